import prettyBytes from 'pretty-bytes'
import {countEntries} from './count-entries.js'
import type {ProgressEvent} from '../operations/ports.js'
import type {UnpackResult} from '../operations/unpack.js'

/** The one line for stdout: the image that the directory came from. */
export function renderUnpack({reference}: UnpackResult): string {
  return reference
}

/** The same in words, for stderr. */
export function summariseUnpack({
  slot,
  directory,
  entries,
  unpackedSize,
  whiteouts,
  refilled,
}: UnpackResult): ProgressEvent {
  const inPlace = refilled === null ? '' : ` (refilled entry by entry: ${refilled})`
  if (!slot)
    return {
      kind: 'notice',
      message: `the image has no such slot yet: ${directory} is the empty start${inPlace}`,
    }
  const deletions =
    whiteouts > 0
      ? `; ${whiteouts} of them named .wh.*, which update takes with --whiteouts only`
      : ''
  return {
    kind: 'notice',
    message: `slot ${slot.name} unpacked to ${directory}: ${countEntries(entries)}, ${prettyBytes(unpackedSize)}${deletions}${inPlace}`,
  }
}
