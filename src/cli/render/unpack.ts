import prettyBytes from 'pretty-bytes'
import {count} from './text/count.js'
import type {ProgressEvent} from '../../ports.js'
import type {UnpackResult} from '../../operations/unpack.js'

/** What became of a directory, in words. */
export function summariseUnpack(result: UnpackResult): ProgressEvent {
  const {slot, name, slots, directory, entries, unpackedSize, whiteouts, refilled} = result
  const others = slots.length > 0 ? ` (it has: ${slots.join(', ')})` : ''
  const inPlace = refilled === null ? '' : ` (refilled entry by entry: ${refilled})`
  if (!slot)
    return {
      kind: 'notice',
      message: `the image has no slot ${name} yet${others}; created an empty tree in ${directory}${inPlace}`,
    }
  const deletions =
    whiteouts > 0
      ? `; ${whiteouts} of them named .wh.*, which update takes with --whiteouts only`
      : ''
  const {kept, layers, fetchedSize, compressedSize} = result
  const taken = kept === 0 ? '' : `; ${kept} of ${count(layers, 'layer')} were there already`
  const fetched =
    fetchedSize < compressedSize
      ? `; ${prettyBytes(fetchedSize)} of ${prettyBytes(compressedSize)} fetched`
      : ''
  return {
    kind: 'notice',
    message: `slot ${slot.name} unpacked to ${directory}: ${count(entries, 'entry')}, ${prettyBytes(unpackedSize)}${deletions}${taken}${fetched}${inPlace}`,
  }
}
