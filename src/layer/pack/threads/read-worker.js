// JavaScript, not TypeScript: a worker thread starts from this very file, in the source tree as
// well as in the built one.
import {createHash} from 'node:crypto'
import {parentPort, receiveMessageOnPort, workerData} from 'node:worker_threads'
import {crc32} from 'node:zlib'
import {tarBlocks, UnreadFile} from '../blocks/tar-blocks.js'
import {readBatch} from './batch.js'
import {
  awaitFed,
  awaitState,
  countEaten,
  end,
  free,
  full,
  inputAt,
  ringBell,
  setLength,
  setState,
} from './ring.js'

/** @type {{ring: import('./ring.js').Ring, rule: import('../../compress/blocks.js').BlockRule}} */
const {ring, rule} = workerData
const bytes = Buffer.from(ring.memory.buffer)

/**
 * Reads the files of one tar, whose batches begin with this one, and fills the ring with its
 * blocks; tells what the whole is, or which file could not be read.
 *
 * @param {import('./batch.js').Batch} first
 */
function readTar(first) {
  let block = 0
  let count = 0
  const hash = createHash('sha256')
  let crc = 0
  let size = 0

  function* items() {
    for (let number = 0, batch = first; ; number++) {
      for (const item of readBatch(batch)) {
        yield item
        count++
      }
      countEaten(ring)
      if (batch.isLast) return
      awaitFed(ring, number + 1)
      const next = parentPort && receiveMessageOnPort(parentPort)
      if (!next) throw new Error('a batch was announced and did not come')
      batch = next.message
    }
  }

  /** @param {number} length */
  function allocate(length) {
    awaitState(ring, block, free)
    const at = inputAt(ring, block)
    return bytes.subarray(at, at + length)
  }

  try {
    for (const part of tarBlocks(items(), rule, allocate)) {
      hash.update(part)
      crc = crc32(part, crc)
      size += part.length
      setLength(ring, block, part.length)
      setState(ring, block, full)
      block++
    }
    for (let deflater = 0; deflater < ring.deflaters; deflater++) {
      awaitState(ring, block, free)
      setLength(ring, block, end)
      setState(ring, block, full)
      block++
    }
    parentPort?.postMessage({digest: hash.digest('hex'), crc, size})
  } catch (error) {
    parentPort?.postMessage({unread: describe(error)})
  }
  ringBell(ring)

  /** @param {unknown} error */
  function describe(error) {
    if (!(error instanceof UnreadFile)) throw error
    const {message, code, errno, syscall} = error.cause ?? {}
    const cause = error.cause && {message, code, errno, syscall}
    return {item: count, doing: error.doing, cause}
  }
}

parentPort?.on('message', readTar)
