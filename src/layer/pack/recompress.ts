import type {ByteStream} from '../../store/content-store.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import {zstd} from '../compress/codec.js'
import {compressAhead} from '../compress/compress-ahead.js'
import {gzip} from '../compress/gzip.js'
import {largestBlock} from '../compress/block-deflate.js'
import {ownDeflater} from '../compress/own-deflater.js'
import {layerStream} from '../in-layer.js'
import {unpackLimits} from '../limits.js'
import type {LayerToRead} from '../contents/layer-index.js'

/**
 * The tar of a layer as it is stored, checked against its diff ID. Throws what `decompress` and
 * `verifiedDiffId` throw.
 */
export function layerTar(content: ByteStream, {mediaType, diffId, place}: LayerToRead): ByteStream {
  return layerStream(place, verifiedDiffId(decompress(content, mediaType, unpackLimits), diffId))
}

/**
 * A tar as one gzip member, which depends on nothing but the tar: it is cut every 256 KiB, since
 * where its entries begin is not looked at.
 */
export async function* gzipped(
  tar: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const ahead = largestBlock
  yield* gzip(blocksOf(tar, largestBlock), {compress: ownDeflater().deflate, ahead, signal})
}

/** A tar as zstd frames, which depend on nothing but the tar: it is cut every MiB. */
export async function* zstdFrames(
  tar: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const {large} = zstd.rule
  yield* compressAhead(blocksOf(tar, large), {compress: await zstd.start(), ahead: large, signal})
}

async function* blocksOf(
  stream: ByteStream,
  length: number,
): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(length)
  let filled = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + length - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < length) continue
      yield block
      block = Buffer.allocUnsafeSlow(length)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
