// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import {createHash} from 'node:crypto'
import {parentPort, workerData} from 'node:worker_threads'
import {ringBell} from '../../bell.js'
import {createBlockDeflate} from '../../compress/block-deflate.js'
import {
  awaitState,
  claimBlock,
  done,
  end,
  full,
  inputAt,
  keyAt,
  keyed,
  lengthOf,
  looked,
  outputAt,
  outputLengthOf,
  scratchAt,
  setOutputLength,
  setState,
  tellDone,
} from './ring.js'

/**
 * `module`: deflate of our own; without one it is zstd. `number`: which of the ring's threads that
 * compress this one is.
 *
 * @type {{
 *   ring: import('./ring.js').Ring,
 *   module: WebAssembly.Module | undefined,
 *   number: number,
 * }}
 */
const {ring, module, number} = workerData
const bytes = Buffer.from(ring.memory.buffer)
/** @typedef {(from: number, length: number, to: number) => number} Compress */

/** A promise, for this file may be a script, which cannot wait. */
const ready = module
  ? Promise.resolve(createBlockDeflate(module, ring.memory, scratchAt(ring, number)))
  : createZstd()

/**
 * Copies into its own memory and back, which costs a hundredth of the time.
 *
 * @returns {Promise<Compress>}
 */
async function createZstd() {
  const {loadZstdInPlace} = await import('../../compress/zstd-frame.js')
  const frameOf = await loadZstdInPlace()
  return (from, length, to) => {
    const frame = frameOf(bytes.subarray(from, from + length))
    bytes.set(frame, to)
    return frame.length
  }
}

/**
 * The blocks of one tar that are this thread's.
 *
 * @param {Compress} compress
 * @param {{isKeyed: boolean}} how `isKeyed`: the main thread may know what a block becomes
 */
function compressBlocks(compress, {isKeyed}) {
  for (;;) {
    const block = claimBlock(ring)
    awaitState(ring, block, full)
    const length = lengthOf(ring, block)
    if (length !== end && !(isKeyed && isKnown(block, length)))
      setOutputLength(ring, block, compress(inputAt(ring, block), length, outputAt(ring, block)))
    setState(ring, block, done)
    tellDone(ring, block)
    if (length === end) return
  }
}

/**
 * Asks the main thread, which has what was remembered.
 *
 * @param {number} block
 * @param {number} length
 */
function isKnown(block, length) {
  const from = inputAt(ring, block)
  keyAt(ring, block).set(
    createHash('sha256')
      .update(bytes.subarray(from, from + length))
      .digest(),
  )
  setState(ring, block, keyed)
  ringBell(ring)
  awaitState(ring, block, looked)
  return outputLengthOf(ring, block) > 0
}

parentPort?.on('message', (/** @type {{isKeyed: boolean}} */ how) => {
  // what fails here ends the thread, which the main thread hears of
  void ready.then((compress) => compressBlocks(compress, how))
})
