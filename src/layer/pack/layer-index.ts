import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import type {ByteString} from '../byte-string.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import type {EntryMetadata} from '../entry.js'
import {unpackLimits} from '../limits.js'
import {createHeaderScanner} from '../tar/scan-headers.js'

/** What one entry of a layer is; only its path unless it is a directory or a symbolic link. */
export type IndexedEntry =
  | (EntryMetadata & {readonly kind: 'directory'})
  | {readonly kind: 'symlink'; readonly path: ByteString; readonly target: ByteString}
  | {readonly kind: 'other'; readonly path: ByteString}

/** The entries of a layer without their content, in their order, whiteouts among them. */
export type LayerIndex = readonly IndexedEntry[]

/** Indexes of layers by their diff IDs, kept from run to run. Neither of the two ever throws. */
export interface LayerIndexes {
  /** `undefined` for one that is not known. */
  get(diffId: Digest): Promise<LayerIndex | undefined>
  put(diffId: Digest, index: LayerIndex): Promise<void>
}

/**
 * Reads a layer that another tool made, to its end: what engines unpack is read. Entries whose path
 * climbs out of the image are left out. Throws what `decompress` and `createHeaderScanner` throw,
 * `IntegrityError` when it is not what `diffId` names.
 */
export async function readLayerIndex(
  blob: ByteStream,
  {mediaType, diffId}: {readonly mediaType: string; readonly diffId: Digest},
  signal: AbortSignal,
): Promise<LayerIndex> {
  const index: IndexedEntry[] = []
  const scanner = createHeaderScanner((entry) => {
    const path = normalise(entry.path)
    if (path === undefined) return
    const {kind, mode, uid, gid, mtime, xattrs} = entry
    if (kind === 'directory') index.push({kind, path, mode, uid, gid, mtime, xattrs})
    else if (kind === 'symlink') index.push({kind, path, target: entry.target})
    else index.push({kind, path})
  })
  for await (const chunk of verifiedDiffId(decompress(blob, mediaType, unpackLimits), diffId)) {
    signal.throwIfAborted()
    scanner.write(chunk)
  }
  scanner.end()
  return index
}

/**
 * `a/b` of `./a//b/` and of `/a/b`; `undefined` for the image's root and for what climbs, which is
 * nothing of the image.
 */
export function normalise(path: ByteString): ByteString | undefined {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  return names.length === 0 || names.includes('..') ? undefined : names.join('/')
}
