import {availableParallelism} from 'node:os'
import type {Digest} from '../oci/digest.js'
import type {ByteStream} from '../store/content-store.js'
import {createDeflater} from './create-deflater.js'
import {decompress, verifiedDiffId} from './decompress.js'
import {gzip, gzipBlockLength} from './gzip.js'
import {unpackLimits} from './unpack-limits.js'

/** The tar of a layer as it is stored, held against its diff ID. Throws what `decompress` and `verifiedDiffId` throw. */
export function layerTar(
  content: ByteStream,
  {mediaType, diffId}: {readonly mediaType: string; readonly diffId: Digest},
): ByteStream {
  return verifiedDiffId(decompress(content, mediaType, unpackLimits), diffId)
}

/** A tar as one gzip member, the same bytes as a layer of ours with this content would have. */
export async function* gzipped(
  tar: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const deflater = await createDeflater()
  try {
    const concurrency = availableParallelism() + 2
    yield* gzip(blocksOf(tar), {deflater, concurrency, signal})
  } finally {
    await deflater.close()
  }
}

async function* blocksOf(stream: ByteStream): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(gzipBlockLength)
  let filled = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + gzipBlockLength - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < gzipBlockLength) continue
      yield block
      block = Buffer.allocUnsafeSlow(gzipBlockLength)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
