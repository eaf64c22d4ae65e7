import {LimitError} from '../../../errors.js'
import type {ByteString} from '../../byte-string.js'
import type {EntryMetadata} from '../../entry.js'
import {mostDirectoryBytes} from '../../limits.js'

/** Directories as they are to be in the end, by path. */
export interface KeptDirectories {
  /**
   * `attributes` are those that it has already. Throws `LimitError` when it all comes to too much.
   */
  keep(metadata: EntryMetadata, attributes?: readonly string[]): void
  attributesOf(path: ByteString): readonly string[]
  /** What is in a directory comes before it. */
  inwardFirst(): EntryMetadata[]
}

/** Nothing is kept at first. */
export function createDirectories(): KeptDirectories {
  const kept = new Map<ByteString, {metadata: EntryMetadata; attributes: readonly string[]}>()
  let bytes = 0
  return {
    keep({path, mode, uid, gid, mtime, xattrs}, attributes = []) {
      const before = kept.get(path)
      if (before !== undefined) bytes -= bytesOf(before.metadata, before.attributes)
      const metadata = {path, mode, uid, gid, mtime, xattrs}
      kept.set(path, {metadata, attributes})
      bytes += bytesOf(metadata, attributes)
      if (bytes <= mostDirectoryBytes) return
      throw new LimitError(
        'ERR_INJECT_DIRECTORIES_TOO_LARGE',
        `the layer's directories have more than ${mostDirectoryBytes} bytes of paths and attributes`,
        {expected: mostDirectoryBytes},
      )
    },
    attributesOf: (path) => kept.get(path)?.attributes ?? [],
    inwardFirst() {
      // bytewise descending
      const paths = [...kept].sort(([a], [b]) => (a < b ? 1 : -1))
      return paths.map(([, {metadata}]) => metadata)
    },
  }
}

function bytesOf({path, xattrs}: EntryMetadata, attributes: readonly string[]): number {
  let bytes = path.length
  for (const name of attributes) bytes += name.length
  for (const [name, value] of xattrs ?? []) bytes += name.length + value.length
  return bytes
}
