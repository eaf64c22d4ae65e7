import type {ByteStream} from '../../store/content-store.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
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
  yield* gzip(blocksOf(tar), {compress: ownDeflater().deflate, ahead, signal})
}

async function* blocksOf(stream: ByteStream): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(largestBlock)
  let filled = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + largestBlock - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < largestBlock) continue
      yield block
      block = Buffer.allocUnsafeSlow(largestBlock)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
