import {createWorkerPool} from '../stream/worker-pool.js'

/** Makes zstd frames, several at once. */
export interface ZstdPool {
  readonly compress: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

/** In up to `size` worker threads. A worker that dies fails all that waits. */
export function zstdPool(size: number): ZstdPool {
  const pool = createWorkerPool<{readonly block: Uint8Array}, Uint8Array>(
    new URL('zstd-frame.js', import.meta.url),
    size,
    // what it makes is outside of its heap
    {resourceLimits: {maxYoungGenerationSizeMb: 4}},
  )
  return {compress: (block) => pool.run({block}), close: () => pool.close()}
}
