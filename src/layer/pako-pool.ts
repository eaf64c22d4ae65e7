import {Worker} from 'node:worker_threads'
import {deflateLevel, outputBound, type Deflater} from './deflater.js'

interface Waiting {
  readonly resolve: (bytes: Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** pako in `size` worker threads, for machines whose zlib gives other bytes. A worker that dies fails what waits for it. */
export function pakoPool(size: number, level: number = deflateLevel): Deflater {
  const waiting = new Map<number, Waiting>()
  const workers = Array.from({length: size}, () => start(waiting))
  let id = 0
  return {
    deflate: (block) =>
      new Promise((resolve, reject) => {
        const worker = workers[++id % size]
        waiting.set(id, {resolve, reject})
        worker?.postMessage({
          id,
          block,
          level,
          chunkSize: outputBound(block.length),
        })
      }),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}

function start(waiting: Map<number, Waiting>): Worker {
  const worker = new Worker(new URL('pako-deflate.js', import.meta.url))
  worker.on('message', ({id, bytes}: {id: number; bytes: Uint8Array}) => {
    waiting.get(id)?.resolve(bytes)
    waiting.delete(id)
  })
  worker.on('error', (error) => {
    for (const {reject} of waiting.values()) reject(error)
    waiting.clear()
  })
  return worker
}
