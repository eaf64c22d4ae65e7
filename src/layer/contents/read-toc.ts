import {digestOf, algorithmOf} from '../../oci/digest.js'
import {layerMediaType} from '../../oci/media-type.js'
import {streamOf} from '../../stream/bytes.js'
import {readAll} from '../../stream/limit.js'
import {decompress} from '../decompress/decompress.js'
import {unpackLimits} from '../limits.js'
import type {LayerIndex} from './layer-index.js'
import {createTarReader} from '../tar/reader.js'
import {tocEntries} from './toc-entries.js'
import {footerSize, offsetInFooter, tocLimits, type TocPlace} from './toc-place.js'

/** Reads a part of a blob; `undefined` if that is not possible. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array | undefined>

/**
 * The entries of a layer of `size` bytes by its table of contents, which must match its digest in
 * the image's manifest. `undefined` if there is no such table, or no part of the layer can be read.
 * Throws what reading gzip, zstd and tar throws for a table that is damaged.
 */
export async function readToc(
  place: TocPlace,
  size: number,
  read: ReadRange,
): Promise<LayerIndex | undefined> {
  const json = await readTocJson(place, size, read)
  return json && tocEntries(json)
}

/** The table itself; `undefined` and errors as `readToc`. */
export async function readTocJson(
  place: TocPlace,
  size: number,
  read: ReadRange,
): Promise<Uint8Array | undefined> {
  if (place.kind === 'zstd:chunked') {
    const stored = await read(place.offset, place.length)
    return stored && isNamed(stored, place) ? expanded(stored, 'zstd') : undefined
  }
  const stored = await storedTable(size, read)
  const json = stored && fileIn(await expanded(stored, 'gzip'))
  return json && isNamed(json, place) ? json : undefined
}

/** Most tables are within this much of the end: one request. */
async function storedTable(size: number, read: ReadRange): Promise<Uint8Array | undefined> {
  const start = Math.max(0, size - Math.min(1024 * 1024, Math.max(64 * 1024, size / 32)))
  const first = Math.floor(start)
  const tail = await read(first, size - first)
  const offset = tail && offsetInFooter(tail.subarray(-footerSize))
  const end = size - footerSize
  if (offset === undefined || offset >= end || end - offset > tocLimits.stored) return undefined
  if (offset >= first) return tail?.subarray(offset - first, -footerSize)
  return read(offset, end - offset)
}

function isNamed(bytes: Uint8Array, {digest}: TocPlace): boolean {
  return digestOf(bytes, algorithmOf(digest)) === digest
}

function expanded(stored: Uint8Array, compression: 'gzip' | 'zstd'): Promise<Uint8Array> {
  const limits = {...unpackLimits, totalBytes: tocLimits.read}
  const mediaType = layerMediaType('oci', compression)
  return readAll(decompress(streamOf(stored), mediaType, limits), tocLimits.read, 'the table')
}

/** The content of the only file in a tar; of several files, the last one. */
function fileIn(tar: Uint8Array): Uint8Array | undefined {
  let parts: Uint8Array[] | undefined
  const handler = {
    entry(): void {
      parts = []
    },
    data(bytes: Uint8Array): void {
      parts?.push(bytes)
    },
    entryEnd(): void {
      // the last one counts
    },
  }
  const reader = createTarReader(handler, {entries: 2})
  reader.write(tar)
  reader.end()
  return parts && Buffer.concat(parts)
}
