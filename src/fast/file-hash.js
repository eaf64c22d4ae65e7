// Hashes files in a thread of its own: what is read is hashed at once, and nothing of it reaches
// the program's own thread.
import {createHash} from 'node:crypto'
import {closeSync, constants, openSync, readSync} from 'node:fs'
import {parentPort} from 'node:worker_threads'

const memory = Buffer.allocUnsafeSlow(1024 * 1024)

parentPort?.on(
  'message',
  (/** @type {{id: number, path: string, algorithm: string}} */ {id, path, algorithm}) => {
    try {
      parentPort?.postMessage({id, result: hash(path, algorithm)})
    } catch (error) {
      const {code, syscall, message} = /** @type {NodeJS.ErrnoException} */ (error)
      parentPort?.postMessage({id, error: {code, syscall, message}})
    }
  },
)

/**
 * @param {string} path
 * @param {string} algorithm
 */
function hash(path, algorithm) {
  const hasher = createHash(algorithm)
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  let size = 0
  try {
    for (;;) {
      const length = readSync(descriptor, memory)
      if (length === 0) break
      hasher.update(memory.subarray(0, length))
      size += length
    }
  } finally {
    closeSync(descriptor)
  }
  return {hex: hasher.digest('hex'), size}
}
