import {createWorkerPool} from '../../stream/worker-pool.js'

/** Makes zstd frames, several at once. */
export interface ZstdPool {
  readonly compress: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

/**
 * How many threads there are for so many jobs: the one that reads and hashes is as busy as one that
 * compresses.
 */
export function zstdThreads(jobs: number): number {
  return Math.max(1, jobs - 1)
}

/**
 * One idle pool kept for the next caller of its size, as long as anybody
 * may.
 */
let ready: {readonly size: number; readonly pool: ZstdPool} | undefined
let waiting = 0

/** In up to `size` worker threads. A thread that dies fails its blocks, and is replaced. */
export function zstdPool(size: number): ZstdPool {
  if (ready?.size !== size) return startPool(size)
  const {pool} = ready
  ready = undefined
  let isSound = true
  return {
    compress: (block) =>
      pool.compress(block).catch((error: unknown) => {
        isSound = false
        throw error
      }),
    async close() {
      if (isSound && !ready && waiting > 0) ready = {size, pool}
      else await pool.close()
    },
  }
}

/**
 * Starts a thread, which takes some 50 ms, for the pools of this size that come: the first of
 * theirs, the others start when they are needed. What it gives, to be called once, ends them when
 * nobody else waits for them.
 */
export function prestartZstd(size: number): () => Promise<void> {
  waiting++
  ready ??= {size, pool: startPool(size)}
  // a thread starts with its first block, and anyone who has one for it hears of what goes wrong
  ready.pool.compress(new Uint8Array()).catch(() => undefined)
  return async () => {
    waiting--
    if (waiting > 0) return
    const last = ready
    ready = undefined
    await last?.pool.close()
  }
}

function startPool(size: number): ZstdPool {
  const pool = createWorkerPool<{readonly block: Uint8Array}, Uint8Array>(
    new URL('zstd-frame.js', import.meta.url),
    size,
    // what it makes is outside of its heap
    {resourceLimits: {maxYoungGenerationSizeMb: 4}},
  )
  return {compress: (block) => pool.run({block}), close: () => pool.close()}
}
