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

/** @type {WebAssembly.Module | undefined} */
let loaded

/** @returns {WebAssembly.Module} libzstd, compiled once from a file that `npm run build` copies */
export function loadZstdModule() {
  loaded ??= new WebAssembly.Module(readProgramFile(new URL('wasm/zstd.wasm', import.meta.url)))
  return loaded
}

/** @type {ZstdFrame | undefined} */
let ours

/**
 * What makes one zstd frame of a block: the bytes that libzstd, compiled to WebAssembly, gives on
 * every machine. The caller owns each frame.
 *
 * @returns {ZstdFrame}
 */
export function createZstd() {
  const frameOf = (ours ??= createZstdInPlace(loadZstdModule()))
  return (block) => Uint8Array.from(frameOf(block))
}

/**
 * The same, in a memory of its own: a frame is in memory that the next one overwrites. Of the
 * package, `@foxglove/wasm-zstd`, this uses the module alone: its functions allocate again for each
 * block, which is collected late, and take a while to load.
 *
 * @param {WebAssembly.Module} module
 * @returns {ZstdFrame}
 */
export function createZstdInPlace(module) {
  const {memory, start, allocate, free, compress} = instantiate(module)
  start()
  let room = 0
  let input = 0
  let output = 0
  return (block) => {
    if (room < block.length || room === 0) makeRoom(Math.max(block.length, 1024 * 1024))
    new Uint8Array(memory.buffer, input).set(block)
    const length = compress(output, zstdBound(room), input, block.length, level)
    if (length <= 0) throw new Error('zstd could not compress a block')
    return new Uint8Array(memory.buffer, output, length)
  }

  /** @param {number} length */
  function makeRoom(length) {
    if (room > 0) {
      free(input)
      free(output)
    }
    room = 0
    input = allocate(length)
    output = allocate(zstdBound(length))
    if (input === 0 || output === 0) throw new RangeError('no memory for zstd')
    room = length
  }
}

const page = 64 * 1024

/**
 * Its functions have the names of one letter that its compiler, Emscripten, gave them.
 *
 * @param {WebAssembly.Module} module
 */
function instantiate(module) {
  const {exports} = new WebAssembly.Instance(module, {a: {a: makeLarger, b: copy}})
  const memory = /** @type {WebAssembly.OwnMemory} */ (exports['c'])
  /** @typedef {(...given: number[]) => number} Given */
  const [start, allocate, free, compress] = /** @type {[Given, Given, Given, Given]} */ (
    ['d', 'f', 'g', 'i'].map((name) => exports[name])
  )
  return {memory, start, allocate, free, compress}

  /**
   * Whether there is room for so many bytes now.
   *
   * @param {number} length
   */
  function makeLarger(length) {
    try {
      memory.grow(Math.ceil(((length >>> 0) - memory.buffer.byteLength) / page))
      return true
    } catch {
      return false
    }
  }

  /**
   * @param {number} to
   * @param {number} from
   * @param {number} length
   */
  function copy(to, from, length) {
    new Uint8Array(memory.buffer).copyWithin(to, from, from + length)
  }
}
