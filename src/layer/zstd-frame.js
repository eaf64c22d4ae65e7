// JavaScript, not TypeScript: a worker thread starts from this very file, in the source tree as well as in the built one.
import {parentPort} from 'node:worker_threads'
import {compress, init} from '@bokuweb/zstd-wasm'

/** Part of the format, since another level gives other bytes; the levels from 5 to 12 would do so on other processors, too. */
const level = 3

/** @type {Promise<void> | undefined} */
let ready

/**
 * One zstd frame of `block`: the bytes that libzstd 1.5, compiled to WebAssembly, gives on every machine.
 *
 * @param {Uint8Array} block
 * @returns {Promise<Uint8Array>}
 */
export async function zstdFrame(block) {
  await (ready ??= init())
  return compress(block, level)
}

parentPort?.on('message', async ({id, block}) => {
  try {
    const result = await zstdFrame(block)
    parentPort?.postMessage({id, result}, [/** @type {ArrayBuffer} */ (result.buffer)])
  } catch (error) {
    parentPort?.postMessage({id, error: {message: String(error)}})
  }
})
