import {availableParallelism} from 'node:os'
import type {Digest} from '../../oci/digest.js'
import type {ByteStream} from '../../store/content-store.js'
import {createDeflater} from '../compress/create-deflater.js'
import {decompress, verifiedDiffId} from '../decompress/decompress.js'
import {gzip} from '../compress/gzip.js'
import {unpackLimits} from '../limits.js'

const blockLength = 1024 * 1024

/**
 * The tar of a layer as it is stored, held against its diff ID. Throws what `decompress` and
 * `verifiedDiffId` throw.
 */
export function layerTar(
  content: ByteStream,
  {mediaType, diffId}: {readonly mediaType: string; readonly diffId: Digest},
): ByteStream {
  return verifiedDiffId(decompress(content, mediaType, unpackLimits), diffId)
}

/**
 * A tar as one gzip member, which depends on nothing but the tar: it is cut every MiB, since where
 * its entries begin is not looked at.
 */
export async function* gzipped(
  tar: ByteStream,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  const deflater = await createDeflater()
  try {
    const ahead = (availableParallelism() + 2) * blockLength
    yield* gzip(blocksOf(tar), {compress: deflater.deflate, ahead, signal})
  } finally {
    await deflater.close()
  }
}

async function* blocksOf(stream: ByteStream): AsyncGenerator<Buffer, void, undefined> {
  let block = Buffer.allocUnsafeSlow(blockLength)
  let filled = 0
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + blockLength - filled)
      block.set(part, filled)
      filled += part.length
      at += part.length
      if (filled < blockLength) continue
      yield block
      block = Buffer.allocUnsafeSlow(blockLength)
      filled = 0
    }
  }
  if (filled > 0) yield block.subarray(0, filled)
}
