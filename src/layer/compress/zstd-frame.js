// JavaScript, not TypeScript: worker threads use this very file, in the source tree as well as in
// the built one.

/** Imported by its name: it looks for its own files, which are not in the bundle. */
const library = '@bokuweb/zstd-wasm'

/**
 * Part of the format, since another level gives other bytes; the levels from 5 to 12 would do so on
 * other processors, too.
 */
const level = 3

/** Which bytes it gives: another level or library has another number. */
export const zstdVersion = 0

/**
 * Bytes that a block of so many bytes is compressed to, at most.
 * https://github.com/facebook/zstd/blob/v1.5.5/lib/zstd.h (ZSTD_COMPRESSBOUND)
 *
 * @param {number} length
 */
export function zstdBound(length) {
  return length + (length >> 8) + 64
}

/** @type {Promise<(block: Uint8Array) => Uint8Array> | undefined} */
let loaded

/**
 * Resolves to what makes one zstd frame of a block: the bytes that libzstd 1.5, compiled to
 * WebAssembly, gives on every machine. One context for all frames: to make one for each takes a
 * sixteenth of the time; it gives the same bytes.
 *
 * @returns {Promise<(block: Uint8Array) => Uint8Array>}
 */
export function loadZstd() {
  loaded ??= load().catch((error) => {
    // the next one tries again: what was missing (memory) may be there then
    loaded = undefined
    throw error
  })
  return loaded
}

async function load() {
  /** @type {import('@bokuweb/zstd-wasm')} */
  const {compressUsingDict, createCCtx, init} = await import(library)
  await init()
  const context = createCCtx()
  const noDictionary = new Uint8Array()
  return (/** @type {Uint8Array} */ block) =>
    compressUsingDict(context, block, noDictionary, level)
}
