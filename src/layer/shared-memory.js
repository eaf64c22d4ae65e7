// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.

/**
 * A memory of `length` bytes for WebAssembly, which threads may share.
 *
 * @param {number} length
 * @returns {WebAssembly.Memory}
 */
export function createMemory(length) {
  const pages = Math.ceil(length / 65_536)
  return new WebAssembly.Memory({initial: pages, maximum: pages, shared: true})
}
