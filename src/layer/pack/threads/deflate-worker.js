// JavaScript, not TypeScript: a worker thread starts from this very file, in the source tree as
// well as in the built one.
import {parentPort, workerData} from 'node:worker_threads'
import {createBlockDeflate} from '../../compress/block-deflate.js'
import {
  awaitState,
  claimBlock,
  done,
  end,
  full,
  inputAt,
  lengthOf,
  outputAt,
  ringBell,
  scratchAt,
  setOutputLength,
  setState,
} from './ring.js'

/**
 * `number`: which of the ring's threads that compress this one is.
 *
 * @type {{ring: import('./ring.js').Ring, module: WebAssembly.Module, number: number}}
 */
const {ring, module, number} = workerData
const deflate = createBlockDeflate(module, ring.memory, scratchAt(number))

/** The blocks of one tar that are this thread's. */
function compressBlocks() {
  for (;;) {
    const block = claimBlock(ring)
    awaitState(ring, block, full)
    const length = lengthOf(ring, block)
    if (length !== end)
      setOutputLength(ring, block, deflate(inputAt(ring, block), length, outputAt(ring, block)))
    setState(ring, block, done)
    ringBell(ring)
    if (length === end) return
  }
}

parentPort?.on('message', compressBlocks)
