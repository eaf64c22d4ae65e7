import type {MergedFile, MergeRule} from '../../image/merge.js'
import {readable} from '../../layer/byte-string.js'
import type {EntryMetadata} from '../../layer/entry.js'
import {mergeBytes} from '../../layer/merge/merge-bytes.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {FoundFile} from './layer-files.js'
import {vendorDigest} from './vendor-layers.js'

/** Our part of a file. */
export interface OurPart {
  readonly bytes: Uint8Array
  /** Of the file if the vendor has none; `mtime` counts in any case. */
  readonly metadata: Omit<EntryMetadata, 'path'>
}

/** A merged file, and what is recorded of it. */
export interface MergeResult {
  readonly record: MergedFile
  readonly walked: WalkedEntry
}

/**
 * The vendor's file and our part as one: with the vendor's mode, owner and attributes, where its
 * links lead to, and as new as the newer of the two. Throws what `mergeBytes` throws.
 */
export function mergeFile(
  rule: MergeRule,
  {at, file: vendor}: FoundFile,
  {bytes: ours, metadata}: OurPart,
  clampMtime = Infinity,
): MergeResult {
  const {bytes, ...parts} = mergeBytes(vendor?.bytes, ours, rule)
  const {mode, uid, gid, xattrs} = vendor?.metadata ?? metadata
  const vendorTime = Math.min(vendor?.metadata.mtime ?? -Infinity, clampMtime)
  const mtime = Math.max(metadata.mtime, vendorTime)
  const place = `/${readable(at)}`
  const {path, as, separator} = rule
  return {
    record: {
      ...{path, as, separator},
      ...(place !== path && {at: place}),
      ...(vendor && {vendor: vendorDigest(vendor)}),
      ...parts,
      mtime: metadata.mtime,
    },
    walked: {
      entry: {kind: 'file', path: at, size: bytes.length, mode, uid, gid, mtime, xattrs},
      content: bytes,
    },
  }
}
