// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {readProgramFile} from '../../../program/program-file.js'

/** The largest inflated block in bytes: the input block of our own deflate. */
export const largestBlock = 256 * 1024

/** The largest compressed block in bytes: more than our own deflate ever produces. */
export const longestBlock = 257 * 1024

/** Readable bytes that must follow a block; their values do not matter. */
export const inputSlack = 32

/** Writable bytes that must follow the space for `largestBlock`. */
export const outputSlack = 512

/** The working memory of one thread in bytes: a little more than `scratchBytes`. */
export const scratchLength = 32 * 1024

/** @type {WebAssembly.Module | undefined} */
let loaded

/** @returns {WebAssembly.Module} compiled once from the file that `npm run build` makes */
export function loadInflate() {
  loaded ??= new WebAssembly.Module(
    readProgramFile(new URL('../wasm/inflate.wasm', import.meta.url)),
  )
  return loaded
}

/**
 * Inflate within `memory`, with working memory of `scratchLength` bytes at `scratch`. The function
 * that it gives inflates `length` bytes at `from`, which are one block of our own deflate, and
 * returns how many bytes it wrote to `to`; -1 if they are not such a block, although they may still
 * be valid deflate.
 *
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Memory} memory
 * @param {number} scratch
 * @returns {(from: number, length: number, to: number) => number}
 */
export function createBlockInflate(module, memory, scratch) {
  const {exports} = new WebAssembly.Instance(module, {env: {memory}})
  const {prepare, inflateBlock, ...constants} =
    /** @type {Record<string, (...given: number[]) => number>} */ (exports)
  if (!prepare || !inflateBlock)
    throw new Error('inflate.wasm is not what this program was built with')
  const built = ['inputSlack', 'outputSlack', 'scratchBytes'].map((name) => constants[name]?.())
  const [input = Infinity, output = Infinity, scratchBytes = Infinity] = built
  if (input > inputSlack || output > outputSlack || scratchBytes > scratchLength)
    throw new Error('inflate.wasm was built with other constants')
  prepare(scratch)
  return (from, length, to) => inflateBlock(scratch, from, length, to)
}
