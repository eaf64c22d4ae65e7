import {createWorkerPool} from '../../stream/worker-pool.js'
import {deflateLevel, type Deflater, outputBound} from './deflater.js'

interface DeflateJob {
  readonly block: Uint8Array
  readonly level: number
  readonly chunkSize: number
}

/**
 * pako in up to `size` worker threads, for machines whose zlib gives other bytes. A thread that
 * dies fails its blocks, and is replaced.
 */
export function pakoPool(size: number, level: number = deflateLevel): Deflater {
  const script = new URL('pako-deflate.js', import.meta.url)
  const pool = createWorkerPool<DeflateJob, Uint8Array>(script, size)
  return {
    deflate: (block) => pool.run({block, level, chunkSize: outputBound(block.length)}),
    close: () => pool.close(),
  }
}
