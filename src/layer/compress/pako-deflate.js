// JavaScript, not TypeScript: a worker thread starts from this file, in the source tree as
// well as in the built one.
import {parentPort} from 'node:worker_threads'
import {Deflate} from 'pako'

const syncFlush = 2
/** That of deflater.ts. */
const memLevel = 9

/**
 * What zlib gives for the same input, in pako: raw deflate of `block`, ended by a sync flush.
 *
 * @param {Uint8Array} block
 * @param {number} level
 * @param {number} chunkSize must exceed the output, or a deflate block is split where zlib does not
 * @returns {Uint8Array}
 */
export function pakoDeflate(block, level, chunkSize) {
  const deflate = new Deflate({raw: true, level, memLevel, chunkSize})
  /** @type {Uint8Array[]} */
  const chunks = []
  deflate.onData = (chunk) => void chunks.push(/** @type {Uint8Array} */ (chunk))
  deflate.push(block, syncFlush)
  if (deflate.err !== 0) throw new Error(`pako failed to compress: ${deflate.msg}`)
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

parentPort?.on('message', ({id, block, level, chunkSize}) => {
  const result = Uint8Array.from(pakoDeflate(block, level, chunkSize))
  parentPort?.postMessage({id, result}, [result.buffer])
})
