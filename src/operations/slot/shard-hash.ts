import type {BlockBuffers} from '../../layer/compress/blocks.js'
import type {BlockHash} from '../../layer/pack/block-hash.js'
import {hashLayer, startBlockHash} from '../../layer/pack/hash-layer.js'
import type {ContentOptions, PackedContent} from '../../layer/pack/packed-content.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {CallOptions} from '../../store/content-store.js'
import {createLimiter} from '../../stream/limiter.js'

/** Hashes layers of a slot that this thread reads, one after the other. */
export interface ShardHash {
  /** As `hashLayer`. A layer waits until those that were asked for before are done. */
  hash(entries: Entries, call: ContentOptions & CallOptions): Promise<PackedContent>
  close(): Promise<void>
}

/** As many layers are hashed sooner than a thread has started. */
const fewLayers = 2

/**
 * The first layers are hashed in this thread, and the others beside it, if there is more than one
 * job.
 */
export function createShardHash(jobs: number, buffers: BlockBuffers): ShardHash {
  const turns = createLimiter(1)
  let count = 0
  let hash: BlockHash | undefined
  return {
    async hash(entries, call) {
      const leave = await turns.enter(call.signal)
      try {
        const hashed = await hashLayer(entries, {...call, hash: await next()})
        if (!hashed) throw new Error('hashing without a limit came to one')
        return hashed
      } finally {
        leave()
      }
    },
    close: async () => hash?.close(),
  }

  async function next(): Promise<BlockHash> {
    count++
    if (count === fewLayers + 1 && jobs > 1) {
      await hash?.close()
      hash = await startBlockHash(true, buffers)
    }
    return (hash ??= await startBlockHash(false, buffers))
  }
}
