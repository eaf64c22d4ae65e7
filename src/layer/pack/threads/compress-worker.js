// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import '../../../program/thread-flags.js'
import {parentPort, workerData} from 'node:worker_threads'
import {createBlockAccess} from '../../compress/block-access.js'
import {blockKeyOf} from '../../compress/block-entry.js'
import {createBlockCompress} from './compress-block.js'
import {
  awaitState,
  claimBlock,
  done,
  end,
  full,
  inputAt,
  lengthOf,
  outputAt,
  setOutputLength,
  setState,
  tellDone,
} from './ring.js'

/**
 * See `createBlockCompress`. `number`: which of the ring's threads that compress this one is.
 *
 * @type {Parameters<typeof createBlockCompress>[0]}
 */
const given = workerData
const {ring} = given
const bytes = Buffer.from(ring.memory.buffer)
/** @typedef {import('./compress-block.js').Compress} Compress */

const compress = createBlockCompress(given)

/**
 * The blocks of one tar that are this thread's.
 *
 * @param {Compress} compress
 */
function compressBlocks(compress) {
  for (;;) {
    const block = claimBlock(ring)
    awaitState(ring, block, full)
    const length = lengthOf(ring, block)
    if (length !== end)
      setOutputLength(ring, block, compress(inputAt(ring, block), length, outputAt(ring, block)))
    setState(ring, block, done)
    tellDone(ring, block)
    if (length === end) return
  }
}

/**
 * Takes from the cache what it has, and adds the rest.
 *
 * @param {Compress} compress
 * @param {ReturnType<typeof createBlockAccess>} access
 * @param {number} kind
 * @returns {Compress}
 */
function cached(compress, access, kind) {
  return (from, length, to) => {
    const key = blockKeyOf(bytes.subarray(from, from + length), kind)
    const space = (/** @type {number} */ size) =>
      size <= ring.shape.output ? bytes.subarray(to, to + size) : undefined
    const known = access.read(key, space)
    if (known) return known.length
    const size = compress(from, length, to)
    access.add(key, bytes.subarray(to, to + size))
    return size
  }
}

/**
 * `shared`: the cache, if there is one; the main thread is told what was used of it. `kind` stands
 * for the compression in its keys.
 *
 * @typedef {object} CompressTask
 * @property {import('../../compress/block-access.js').SharedBlocks | undefined} shared
 * @property {number} kind
 */

parentPort?.on('message', (/** @type {CompressTask} */ {shared, kind}) => {
  if (!shared) return compressBlocks(compress)
  const access = createBlockAccess(shared)
  compressBlocks(cached(compress, access, kind))
  parentPort?.postMessage(access.takeUse())
})
