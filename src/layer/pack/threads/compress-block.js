// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {createBlockDeflate} from '../../compress/block-deflate.js'
import {createZstdInPlace} from '../../compress/zstd-frame.js'
import {scratchAt} from './ring.js'

/**
 * Compresses `length` bytes at `from` to `to`; returns how many bytes that are.
 *
 * @typedef {(from: number, length: number, to: number) => number} Compress
 */

/**
 * Compresses blocks of a ring where they are. `module`: that of the codec of this name. `number`:
 * whose of the ring's working memories it takes; one thread at a time.
 *
 * @param {object} options
 * @param {import('./ring.js').Ring} options.ring
 * @param {import('../../compress/codec.js').BlockCodec['name']} options.name
 * @param {WebAssembly.Module} options.module
 * @param {number} options.number
 * @returns {Compress}
 */
export function createBlockCompress({ring, name, module, number}) {
  if (name === 'deflate') return createBlockDeflate(module, ring.memory, scratchAt(ring, number))
  const bytes = Buffer.from(ring.memory.buffer)
  const frameOf = createZstdInPlace(module)
  // it copies into its own memory and back, which costs a hundredth of the time
  return (from, length, to) => {
    const frame = frameOf(bytes.subarray(from, from + length))
    bytes.set(frame, to)
    return frame.length
  }
}
