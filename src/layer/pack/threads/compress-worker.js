// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import '../../../program/thread-flags.js'
import {parentPort, workerData} from 'node:worker_threads'
import {createBlockAccess} from '../../compress/block-access.js'
import {createBlockDeflate} from '../../compress/block-deflate.js'
import {blockKeyOf} from '../../compress/block-entry.js'
import {createZstdInPlace} from '../../compress/zstd-frame.js'
import {
  awaitState,
  claimBlock,
  done,
  end,
  full,
  inputAt,
  lengthOf,
  outputAt,
  scratchAt,
  setOutputLength,
  setState,
  tellDone,
} from './ring.js'

/**
 * `module`: that of the codec of this name. `number`: which of the ring's threads that compress
 * this one is.
 *
 * @type {{
 *   ring: import('./ring.js').Ring,
 *   name: import('../../compress/codec.js').BlockCodec['name'],
 *   module: WebAssembly.Module,
 *   number: number,
 * }}
 */
const {ring, name, module, number} = workerData
const bytes = Buffer.from(ring.memory.buffer)
/** @typedef {(from: number, length: number, to: number) => number} Compress */

const compress =
  name === 'deflate'
    ? createBlockDeflate(module, ring.memory, scratchAt(ring, number))
    : createBlockZstd()

/**
 * Copies into its own memory and back, which costs a hundredth of the time.
 *
 * @returns {Compress}
 */
function createBlockZstd() {
  const frameOf = createZstdInPlace(module)
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
