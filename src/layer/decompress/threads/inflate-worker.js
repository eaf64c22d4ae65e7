// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import '../../../program/thread-flags.js'
import {createHash} from 'node:crypto'
import {parentPort, workerData} from 'node:worker_threads'
import {crc32} from 'node:zlib'
import {awaitBell, bellCount} from '../../bell.js'
import {createBlockInflate} from './block-inflate.js'
import {
  claimBlock,
  endedCount,
  filledCount,
  foreign,
  hashedCount,
  inflatedAt,
  inflatedLengthOf,
  isDone,
  scratchAt,
  setDone,
  setHashed,
  storedAt,
  storedLengthOf,
} from './ring.js'

/**
 * `number`: which of the ring's threads this one is; the first one hashes.
 *
 * @typedef {object} Work
 * @property {import('./ring.js').Ring} ring
 * @property {WebAssembly.Module} module
 * @property {number} number
 * @property {string} algorithm
 */

/** @type {Work} */
const {ring, module, number, algorithm} = workerData
const inflate = createBlockInflate(module, ring.memory, scratchAt(number))

/** @param {number} block */
function inflateBlock(block) {
  const length = storedLengthOf(ring, block)
  const isStored = length > 0
  setDone(
    ring,
    block,
    isStored
      ? inflate(storedAt(ring, block), length, inflatedAt(ring, block))
      : inflatedLengthOf(ring, block),
  )
}

/**
 * Hashes the blocks of a layer in order. From the first foreign one on, the main thread takes back
 * what is stored, and hands over the same content inflated.
 */
function createSums() {
  const bytes = Buffer.from(ring.memory.buffer)
  const hash = createHash(algorithm)
  let crc = 0
  let hasForeign = false
  return {
    /** @param {number} block */
    add(block) {
      const length = inflatedLengthOf(ring, block)
      if (length === foreign) hasForeign = true
      if (!hasForeign || storedLengthOf(ring, block) === 0) {
        const at = inflatedAt(ring, block)
        const part = bytes.subarray(at, at + length)
        hash.update(part)
        crc = crc32(part, crc)
      }
      setHashed(ring, block, crc)
    },
    digest: () => hash.digest('hex'),
  }
}

let sums = number === 0 ? createSums() : undefined
let told = 0

// until it is ended from outside
for (let mine = claimBlock(ring); ;) {
  const count = bellCount(ring)
  const hashed = hashedCount(ring)
  // the end is checked first, so that the count read after it is final
  const ended = endedCount(ring)
  const filled = filledCount(ring)
  if (sums && hashed < filled && isDone(ring, hashed)) sums.add(hashed)
  else if (mine < filled) {
    inflateBlock(mine)
    mine = claimBlock(ring)
  } else if (sums && hashed === filled && told < ended) {
    parentPort?.postMessage(sums.digest())
    sums = createSums()
    told++
  } else awaitBell(ring, count)
}
