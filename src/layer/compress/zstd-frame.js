// JavaScript, not TypeScript: a worker thread starts from this very file, in the source tree as
// well as in the built one.
import {parentPort} from 'node:worker_threads'
import {compressUsingDict, createCCtx, init} from '@bokuweb/zstd-wasm'

/**
 * Part of the format, since another level gives other bytes; the levels from 5 to 12 would do so on
 * other processors, too.
 */
const level = 3

/**
 * One context for all frames: to make one for each takes a sixteenth of the time. It gives the same
 * bytes. @type {Promise<number> | undefined}
 */
let context
const noDictionary = new Uint8Array()

/**
 * One zstd frame of `block`: the bytes that libzstd 1.5, compiled to WebAssembly, gives on every
 * machine.
 *
 * @param {Uint8Array} block
 * @returns {Promise<Uint8Array>}
 */
export async function zstdFrame(block) {
  context ??= init()
    .then(createCCtx)
    .catch((error) => {
      // the next block tries again: what was missing (memory) may be there then
      context = undefined
      throw error
    })
  return compressUsingDict(await context, block, noDictionary, level)
}

parentPort?.on('message', async ({id, block}) => {
  try {
    const result = await zstdFrame(block)
    parentPort?.postMessage({id, result}, [/** @type {ArrayBuffer} */ (result.buffer)])
  } catch (error) {
    parentPort?.postMessage({id, error: {message: String(error)}})
  }
})
