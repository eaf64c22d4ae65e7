import {crc32, createInflateRaw} from 'node:zlib'
import {prepended} from '../../stream/bytes.js'
import {layerCorrupt} from '../corrupt.js'
import {expectZeros, gunzip} from './gunzip.js'
import {decoderOptions, decodeWith} from './zlib-decoding.js'

/** How far a gzip member was decompressed: to the end of a deflate block at a byte boundary. */
export interface MemberSoFar {
  /** Bytes of gzip. */
  readonly read: number
  /** Bytes of content. */
  readonly length: number
  /** Of the content. */
  readonly crc: number
  /** The last 32 KiB of the content, or all of it, which the rest may refer to. */
  readonly window: Uint8Array
}

/**
 * The rest of gzip of which a member was decompressed up to `before`, and what follows it: as
 * `gunzip` would give it, with the same errors.
 */
export async function* inflateRest(
  content: AsyncIterable<Uint8Array>,
  before: MemberSoFar,
  read: {bytes: number},
): AsyncGenerator<Uint8Array, void, undefined> {
  const {window: dictionary} = before
  const options = {...decoderOptions, ...(dictionary.length > 0 && {dictionary})}
  const decoding = decodeWith(createInflateRaw(options), content)
  const here = {bytes: 0}
  let {crc, length} = before
  try {
    for await (const chunk of decoding.output(here)) {
      read.bytes = before.read + here.bytes
      crc = crc32(chunk, crc)
      length += chunk.length
      yield chunk
    }
    const rest = decoding.rest()
    const behind = await checkTrailer(rest, crc, length)
    read.bytes = before.read + here.bytes + trailerLength
    if (behind[0] === undefined || behind[0] === 0) await expectZeros(prepended(behind, rest))
    else yield* nextMembers(prepended(behind, rest), read)
  } finally {
    await decoding.close()
  }
}

const trailerLength = 8

/**
 * Takes a member's trailer off `rest`, and gives what came along with it: nothing at the end only.
 * https://www.rfc-editor.org/rfc/rfc1952#section-2.3.1
 */
async function checkTrailer(
  rest: AsyncGenerator<Uint8Array, void, undefined>,
  crc: number,
  length: number,
): Promise<Buffer> {
  let held = Buffer.alloc(0)
  while (held.length <= trailerLength) {
    const next = await rest.next()
    if (next.done === true) break
    held = Buffer.concat([held, next.value])
  }
  if (held.length < trailerLength) throw layerCorrupt('gzip: unexpected end of file')
  // zlib's messages
  if (held.readUInt32LE(0) !== crc) throw layerCorrupt('gzip: incorrect data check')
  if (held.readUInt32LE(4) !== length % 2 ** 32) throw layerCorrupt('gzip: incorrect length check')
  return held.subarray(trailerLength)
}

async function* nextMembers(
  content: AsyncIterable<Uint8Array>,
  read: {bytes: number},
): AsyncGenerator<Uint8Array, void, undefined> {
  const before = read.bytes
  const here = {bytes: 0}
  for await (const chunk of gunzip(content, here)) {
    read.bytes = before + here.bytes
    yield chunk
  }
}
