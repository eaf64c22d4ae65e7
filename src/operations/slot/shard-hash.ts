import type {BlockBuffers} from '../../layer/compress/blocks.js'
import type {BlockHash} from '../../layer/pack/block-hash.js'
import {startBlockHash} from '../../layer/pack/hash-layer.js'

/** Hashes the layers of a slot, one after the other. */
export interface ShardHash {
  /** For the next layer, when the one before is done. */
  next(): Promise<BlockHash>
  close(): Promise<void>
}

/** As many layers are hashed sooner than a thread has started. */
const fewLayers = 2

/**
 * The first layers are hashed in this thread, which also reads them, and the others beside it, if
 * there is more than one job.
 */
export function createShardHash(jobs: number, buffers: BlockBuffers): ShardHash {
  let count = 0
  let hash: BlockHash | undefined
  return {
    async next() {
      count++
      if (count === fewLayers + 1 && jobs > 1) {
        await hash?.close()
        hash = await startBlockHash(true, buffers)
      }
      return (hash ??= await startBlockHash(false, buffers))
    },
    close: async () => hash?.close(),
  }
}
