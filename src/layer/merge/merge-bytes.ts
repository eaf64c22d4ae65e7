import type {MergedFile, MergeRule} from '../../image/merge.js'
import {IntegrityError, LimitError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'
import {mergeKeystore, ownCertificates} from './keystore.js'
import {linesOf, mergeLines, ownLines} from './merge-lines.js'

/** The largest file that is merged, in bytes: the vendor's part, ours, and both together. */
export const largestMerged = 16 * 1024 * 1024

/** The two parts in one, with what it takes to get ours back. */
export interface MergedBytes extends Pick<MergedFile, 'offset' | 'shared'> {
  readonly bytes: Uint8Array
}

/**
 * The vendor's part and ours; without a vendor's part, ours. Throws `LimitError`
 * (`ERR_INJECT_MERGE_TOO_LARGE`), and what `mergeKeystore` and `mergeLines` throw.
 */
export function mergeBytes(
  vendor: Uint8Array | undefined,
  ours: Uint8Array,
  rule: MergeRule,
): MergedBytes {
  const merged = joined(vendor ?? new Uint8Array(), ours, rule)
  checkSize(merged.bytes.length, rule.path)
  return merged
}

/** Throws `LimitError` (`ERR_INJECT_MERGE_TOO_LARGE`). */
export function checkSize(size: number, path: string): void {
  if (size <= largestMerged) return
  throw new LimitError('ERR_INJECT_MERGE_TOO_LARGE', `${quoted(path)} is too large to be merged`, {
    expected: largestMerged,
    found: size,
  })
}

/**
 * Our part of a file that `mergeBytes` made, as it was given; of a keystore, as PEM. Throws
 * `IntegrityError` (`ERR_INJECT_SLOT_MERGE_INVALID`) for a file that is too short, and what
 * `ownCertificates` throws.
 */
export function oursIn(
  merged: Uint8Array,
  {as, path, offset, shared = []}: MergedFile,
): Uint8Array {
  if (as === 'keystore') return ownCertificates(merged, path)
  if (merged.length < offset) throw notAsRecorded(path)
  const ours = merged.subarray(offset)
  return as === 'lines' ? ownLines(linesOf(merged.subarray(0, offset)), ours, shared) : ours
}

/** For a file of a slot that is not what was recorded of it. */
export function notAsRecorded(path: string): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_SLOT_MERGE_INVALID',
    `${quoted(path)} of the slot is not the merged file that the image's labels record`,
    {hint: 'another tool changed the layer or the labels: update the slot from its content'},
  )
}

function joined(vendor: Uint8Array, ours: Uint8Array, rule: MergeRule): MergedBytes {
  const {as, path} = rule
  if (as === 'replace' || (vendor.length === 0 && as !== 'keystore'))
    return {bytes: ours, offset: 0}
  if (as === 'keystore') return {bytes: mergeKeystore(vendor, ours, path), offset: 0}
  const start = Buffer.concat([vendor, Buffer.from(separatorAfter(vendor, rule))])
  const {bytes, shared} =
    as === 'lines' ? mergeLines(linesOf(vendor), ours, path) : {bytes: ours, shared: undefined}
  return {
    bytes: Buffer.concat([start, bytes]),
    offset: start.length,
    ...(shared && shared.length > 0 && {shared}),
  }
}

function separatorAfter(vendor: Uint8Array, {separator}: MergeRule): string {
  return separator ?? (vendor.at(-1) === lineFeed ? '' : '\n')
}

const lineFeed = 0x0a
