import {createWorkerPool} from '../stream/worker-pool.js'

/** Makes zstd frames, several at once. */
export interface ZstdPool {
  readonly compress: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

/** A thread that is ready for whoever wants one, one after the other, as long as anybody may. */
let ready: ZstdPool | undefined
let waiting = 0

/** In up to `size` worker threads. A worker that dies fails all that waits. */
export function zstdPool(size: number): ZstdPool {
  if (size !== 1 || !ready) return startPool(size)
  const pool = ready
  ready = undefined
  let isSound = true
  return {
    compress: (block) =>
      pool.compress(block).catch((error: unknown) => {
        isSound = false
        throw error
      }),
    async close() {
      if (isSound && !ready && waiting > 0) ready = pool
      else await pool.close()
    },
  }
}

/** Starts a thread, which takes some 50 ms, for the pools of one that come. What it gives, to be called once, ends the thread when nobody else waits for it. */
export function prestartZstd(): () => Promise<void> {
  waiting++
  ready ??= startPool(1)
  // a thread starts with its first block, and whoever has one for it hears of what goes wrong
  ready.compress(new Uint8Array()).catch(() => undefined)
  return async () => {
    waiting--
    if (waiting > 0) return
    const pool = ready
    ready = undefined
    await pool?.close()
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
