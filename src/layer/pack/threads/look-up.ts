import {type BlockCache, blockKey} from '../../compress/block-cache.js'
import {
  isInState,
  keyAt,
  keyed,
  looked,
  outputAt,
  type Ring,
  setOutputLength,
  setState,
} from './ring.js'

/** Answers threads that ask whether the compressed form of a block is cached. */
export interface LookUp {
  /** Answers all pending questions. */
  readonly answer: () => void
  /** Stores the compressed form of a block for the next run if it was not cached. */
  readonly keep: (block: number, bytes: Uint8Array) => void
}

/** For the blocks of one tar. `kind` identifies the compression. */
export function createLookUp(cache: BlockCache, kind: number, ring: Ring): LookUp {
  const {places, output} = ring.shape
  const memory = new Uint8Array(ring.memory.buffer)
  /** Keys of blocks that are not known, until they are compressed. */
  const unknown = new Map<number, string>()
  /** Of the blocks that are under way. */
  let first = 0
  return {
    answer() {
      for (let block = first; block < first + places; block++) {
        if (!isInState(ring, block, keyed)) continue
        const key = blockKey(keyAt(ring, block), kind)
        const bytes = cache.get(key)
        const isKnown = bytes !== undefined && bytes.length <= output
        if (isKnown) memory.set(bytes, outputAt(ring, block))
        else unknown.set(block, key)
        setOutputLength(ring, block, isKnown ? bytes.length : 0)
        setState(ring, block, looked)
      }
    },
    keep(block, bytes) {
      first = block + 1
      const key = unknown.get(block)
      if (key === undefined) return
      unknown.delete(block)
      cache.put(key, bytes)
    },
  }
}
