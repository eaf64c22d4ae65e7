import {createHash} from 'node:crypto'
import {IntegrityError} from '../../errors.js'
import {layerMediaType} from '../../oci/media-type.js'
import type {ByteStream} from '../../store/content-store.js'
import {display} from '../byte-string.js'
import {decompress} from '../decompress/decompress.js'
import {type LayerPlace, layerTitle} from '../in-layer.js'
import type {UnpackLimits} from '../limits.js'
import {PartUnavailable} from './part-unavailable.js'
import type {ContentPlace, TableEntry} from './table.js'

/** Bytes of a part of the layer that is read at once. */
const largestPart = 4 * 1024 * 1024

/** Reads a part of a blob; `undefined` if that is not possible. */
export type ReadPart = (offset: number, length: number) => Promise<Uint8Array | undefined>

/**
 * The content of one file from its frames, which are all that is read. The stream throws
 * `IntegrityError` (`ERR_INJECT_TABLE_MISMATCH`) before its end if it is not what the table of
 * contents says, `PartUnavailable`, and what `decompress` throws.
 */
export async function* fileContent(
  {entry, place}: TableEntry,
  layer: LayerPlace,
  limits: Pick<UnpackLimits, 'totalBytes' | 'zstdWindow'>,
  read: ReadPart,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (place === undefined) return
  const size = entry.kind === 'file' ? entry.size : 0
  const mismatch = (found: string): IntegrityError =>
    new IntegrityError(
      'ERR_INJECT_TABLE_MISMATCH',
      `${layerTitle(layer)}: the content of ${display(entry.path)} is not what the table of contents says`,
      {expected: place.digest, found, hint: 'inject unpack reads the whole layer instead'},
    )
  const hash = createHash('sha256')
  let length = 0
  const frames = decompress(parts(place, read), layerMediaType('oci', 'zstd'), {
    ...limits,
    // a hole takes next to nothing, and the size is known
    ...{ratio: Infinity, ratioFrom: Infinity, entries: 1},
  })
  for await (const chunk of frames) {
    length += chunk.length
    if (length > size) throw mismatch(`more than ${size} bytes`)
    hash.update(chunk)
    yield chunk
  }
  const found = `sha256:${hash.digest('hex')}`
  if (length !== size || found !== place.digest) throw mismatch(found)
}

async function* parts(
  {at, end}: ContentPlace,
  read: ReadPart,
): AsyncGenerator<Uint8Array> & ByteStream {
  for (let offset = at; offset < end; offset += largestPart) {
    const part = await read(offset, Math.min(largestPart, end - offset))
    if (part === undefined) throw new PartUnavailable('no part of the layer can be read')
    yield part
  }
}
