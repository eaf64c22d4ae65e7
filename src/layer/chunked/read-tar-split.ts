import * as v from 'valibot'
import {parseJsonValue} from '../../oci/json-value.js'
import {layerMediaType} from '../../oci/media-type.js'
import {streamOf} from '../../stream/bytes.js'
import {decompress} from '../decompress/decompress.js'
import {unpackLimits} from '../limits.js'
import {PartUnavailable} from './part-unavailable.js'

/** A part of a tar, as its tar-split has it. */
export type TarPart =
  /** Headers and padding. */
  | {readonly kind: 'bytes'; readonly bytes: Uint8Array}
  /** The content of an entry; of 0 bytes for what is not a file. */
  | {readonly kind: 'content'; readonly size: number}

/** Bytes of a line: the headers of one entry, and padding. */
const longestLine = 8 * 1024 * 1024
const lineFeed = 10

const shape = v.variant('type', [
  v.looseObject({type: v.literal(2), payload: v.string()}),
  v.looseObject({
    type: v.literal(1),
    size: v.nullish(v.pipe(v.number(), v.safeInteger(), v.minValue(0)), 0),
  }),
])

/**
 * The parts of a tar in their order, by its tar-split as it is stored: what `createTarSplit` makes,
 * and podman. Throws `PartUnavailable`, and what `decompress` throws.
 */
export async function* readTarSplit(stored: Uint8Array): AsyncGenerator<TarPart, void, undefined> {
  const text = decompress(streamOf(stored), layerMediaType('oci', 'zstd'), unpackLimits)
  let begun: Buffer[] = []
  let length = 0
  for await (const chunk of text) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let from = 0
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
      begun.push(bytes.subarray(from, at))
      yield partOf(Buffer.concat(begun))
      begun = []
      length = 0
      from = at + 1
    }
    begun.push(bytes.subarray(from))
    length += bytes.length - from
    if (length > longestLine) throw new PartUnavailable('a line of the tar-split is too long')
  }
  if (length > 0) yield partOf(Buffer.concat(begun))
}

function partOf(line: Buffer): TarPart {
  const found = v.safeParse(shape, parseJsonValue(line.toString('utf8')))
  if (!found.success) throw new PartUnavailable('a line of the tar-split is not one')
  const part = found.output
  return part.type === 2
    ? {kind: 'bytes', bytes: Buffer.from(part.payload, 'base64')}
    : {kind: 'content', size: part.size}
}
