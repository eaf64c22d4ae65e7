import {Worker} from 'node:worker_threads'

/** Makes zstd frames, several at once. */
export interface ZstdPool {
  readonly compress: (block: Uint8Array) => Promise<Uint8Array>
  close(): Promise<void>
}

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** Up to `size` worker threads, each started when there is something for it to do. A worker that dies fails all that waits. */
export function zstdPool(size: number): ZstdPool {
  const waiting = new Map<number, Waiting>()
  const workers: Worker[] = []
  let id = 0
  return {
    compress: (block) =>
      new Promise((resolve, reject) => {
        const worker = (workers[id % size] ??= start(waiting))
        waiting.set(id, {resolve, reject})
        worker.postMessage({id, block})
        id++
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

function start(waiting: Map<number, Waiting>): Worker {
  const worker = new Worker(new URL('zstd-frame.js', import.meta.url), {
    // what it makes is outside of its heap
    resourceLimits: {maxYoungGenerationSizeMb: 4},
  })
  worker.on('message', ({id, bytes, error}: {id: number; bytes?: Uint8Array; error?: string}) => {
    if (bytes) waiting.get(id)?.resolve(bytes)
    else waiting.get(id)?.reject(new Error(error))
    waiting.delete(id)
  })
  worker.on('error', (error) => {
    for (const {reject} of waiting.values()) reject(error)
    waiting.clear()
  })
  return worker
}
