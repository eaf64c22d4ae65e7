// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import '../../program/thread-flags.js'
import {createHash} from 'node:crypto'
import {parentPort, workerData} from 'node:worker_threads'

/**
 * What hash-thread.ts shares. `turns`: how many blocks were added to the ring, how many of them are
 * hashed, and of each place in the ring the length of its block, -1 for the end of a layer.
 *
 * @type {{ring: SharedArrayBuffer, turns: Int32Array, places: number, blockSize: number}}
 */
const {ring, turns, places, blockSize} = workerData
let hash = createHash('sha256')

for (let next = 0; ; next++) {
  while (Atomics.load(turns, 0) === next) Atomics.wait(turns, 0, next)
  const length = Atomics.load(turns, 2 + (next % places))
  if (length === -1) {
    parentPort?.postMessage(hash.digest('hex'))
    hash = createHash('sha256')
  } else hash.update(new Uint8Array(ring, (next % places) * blockSize, length))
  Atomics.store(turns, 1, next + 1)
  Atomics.notify(turns, 1)
}
