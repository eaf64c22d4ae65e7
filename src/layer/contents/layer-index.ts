import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import {type ByteString, display} from '../byte-string.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import type {EntryMetadata} from '../entry.js'
import {inLayer, type LayerPlace} from '../in-layer.js'
import {unpackLimits} from '../limits.js'
import {normalisePath} from '../normalise-path.js'
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

/** What it takes to read a layer. */
export interface LayerToRead {
  readonly mediaType: string
  readonly diffId: Digest
  /** For messages. */
  readonly place: LayerPlace
}

/**
 * Reads a layer that another tool made, to its end: what engines unpack is read. Entries whose path
 * climbs out of the image are left out. Throws what `decompress` and `createHeaderScanner` throw,
 * `IntegrityError` when it is not what `diffId` names.
 */
export async function readLayerIndex(
  blob: ByteStream,
  {mediaType, diffId, place}: LayerToRead,
  signal: AbortSignal,
): Promise<LayerIndex> {
  const index: IndexedEntry[] = []
  let latest: ByteString | undefined
  const at = () => (latest === undefined ? undefined : `after the entry ${display(latest)}`)
  const scanner = createHeaderScanner((entry) => {
    latest = entry.path
    const path = normalisePath(entry.path)
    if (path === undefined) return
    const {kind, mode, uid, gid, mtime, xattrs} = entry
    if (kind === 'directory') index.push({kind, path, mode, uid, gid, mtime, xattrs})
    else if (kind === 'symlink') index.push({kind, path, target: entry.target})
    else index.push({kind: 'other', path})
  })
  return inLayer({...place, at}, async () => {
    for await (const chunk of verifiedDiffId(decompress(blob, mediaType, unpackLimits), diffId)) {
      signal.throwIfAborted()
      scanner.write(chunk)
    }
    scanner.end()
    return index
  })
}
