// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {readProgramFile} from '../../program/program-file.js'

/** Bytes of a block, at most. */
export const largestBlock = 256 * 1024

/**
 * Bytes after a block that must be there to be read, and after its output to be written; what is in
 * them does not matter.
 */
export const slack = 8

/** The working memory of one thread in bytes: a little more than `scratchBytes`. */
export const scratchLength = 1_152 * 1024

/**
 * Bytes that a block of so many bytes is compressed to, at most.
 *
 * @param {number} length
 */
export function deflateBound(length) {
  return length + (length >> 12) + 32
}

/** @type {WebAssembly.Module | undefined} */
let loaded

/** @returns {WebAssembly.Module} compiled once from the file that `npm run build` makes */
export function loadDeflate() {
  loaded ??= new WebAssembly.Module(readProgramFile(new URL('wasm/deflate.wasm', import.meta.url)))
  return loaded
}

/**
 * Deflate within `memory`, with working memory of `scratchLength` bytes at `scratch`. The function
 * that it gives compresses `length` bytes (1 to `largestBlock`) at `from` by themselves, ended by a
 * sync flush, and returns how many bytes it wrote to `to`.
 *
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} scratch
 * @returns {(from: number, length: number, to: number) => number}
 */
export function createBlockDeflate(module, memory, scratch) {
  const {exports} = new WebAssembly.Instance(module, {env: {memory}})
  const {prepare, scratchBytes, blockBytes, deflateBlock} =
    /** @type {Record<string, (...given: number[]) => number>} */ (exports)
  if (!prepare || !deflateBlock || scratchBytes?.() === undefined)
    throw new Error('deflate.wasm is not what this program was built with')
  if (scratchBytes() > scratchLength || blockBytes?.() !== largestBlock)
    throw new Error('deflate.wasm was built with other constants')
  prepare(scratch)
  return (from, length, to) => deflateBlock(scratch, from, length, to)
}
