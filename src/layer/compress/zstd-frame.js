// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {readProgramFile} from '../../program/program-file.js'

/**
 * Part of the format, since another level gives other bytes; the levels from 5 to 12 would do so on
 * other processors, too. Level 3 makes sources 4 % smaller, and takes a third longer.
 */
const level = 2

/** Which bytes it gives: another level or library has another number. */
export const zstdVersion = 1

/**
 * Bytes that a block of so many bytes is compressed to, at most.
 * https://github.com/facebook/zstd/blob/v1.5.5/lib/zstd.h (ZSTD_COMPRESSBOUND)
 *
 * @param {number} length
 */
export function zstdBound(length) {
  return length + (length >> 8) + 64
}

/** @typedef {(block: Uint8Array) => Uint8Array} ZstdFrame */

/** @type {Promise<ZstdFrame> | undefined} */
let loaded

/**
 * Resolves to what makes one zstd frame of a block: the bytes that libzstd, compiled to
 * WebAssembly, gives on every machine. A frame is in memory that the next one overwrites.
 *
 * @returns {Promise<ZstdFrame>}
 */
export function loadZstdInPlace() {
  loaded ??= load().catch((error) => {
    // the next one tries again: what was missing (memory) may be there then
    loaded = undefined
    throw error
  })
  return loaded
}

/**
 * The same, and the caller owns each frame.
 *
 * @returns {Promise<ZstdFrame>}
 */
export async function loadZstd() {
  const frameOf = await loadZstdInPlace()
  return (block) => Uint8Array.from(frameOf(block))
}

/**
 * The module itself, without the package's functions: those allocate again for each block, which is
 * collected late.
 *
 * @returns {Promise<ZstdFrame>}
 */
async function load() {
  const {default: createModule} = await import('@foxglove/wasm-zstd/dist/wasm-zstd.js')
  // the package would look for it beside itself, and it is not a file everywhere
  const wasmBinary = readProgramFile(new URL('wasm/zstd.wasm', import.meta.url))
  const zstd = await createModule({wasmBinary})
  let room = 0
  let input = 0
  let output = 0
  return (block) => {
    if (room < block.length || room === 0) grow(Math.max(block.length, 1024 * 1024))
    zstd.HEAPU8.set(block, input)
    const length = zstd._compress(output, zstdBound(room), input, block.length, level)
    if (length <= 0) throw new Error('zstd could not compress a block')
    return zstd.HEAPU8.subarray(output, output + length)
  }

  /** @param {number} length */
  function grow(length) {
    if (room > 0) {
      zstd._free(input)
      zstd._free(output)
    }
    room = length
    input = zstd._malloc(length)
    output = zstd._malloc(zstdBound(length))
    if (input === 0 || output === 0) throw new RangeError('no memory for zstd')
  }
}
