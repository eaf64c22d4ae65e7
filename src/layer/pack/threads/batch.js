// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.

/**
 * Items of a tar in few objects: what a message costs depends on how many objects it has.
 *
 * @typedef {object} Batch
 * @property {Uint8Array} headers one after the other
 * @property {Float64Array} numbers bytes of the header, of the content, the path's hash, and where
 *   in its file the content begins: -1 where it is all of the file
 * @property {(string | Uint8Array | undefined)[]} paths of files
 * @property {BigInt64Array} times ctime and mtime of files
 * @property {BigInt64Array} identities size, inode, device and number of links of files: 64 bits,
 *   which Node gives with a sign
 * @property {boolean} isLast
 */

/**
 * @typedef {import('../blocks/tar-blocks.js').TarItem} TarItem
 */

/**
 * @param {readonly TarItem[]} items
 * @param {boolean} isLast
 * @returns {Batch}
 */
export function writeBatch(items, isLast) {
  const headers = new Uint8Array(items.reduce((sum, {header}) => sum + header.length, 0))
  const numbers = new Float64Array(4 * items.length)
  const times = new BigInt64Array(2 * items.length)
  const identities = new BigInt64Array(4 * items.length)
  const paths = items.map(({file}) => file && plain(file.path))
  let at = 0
  for (const [index, {header, size, hash, file}] of items.entries()) {
    headers.set(header, at)
    at += header.length
    numbers.set([header.length, size, hash, file?.offset ?? -1], 4 * index)
    if (!file) continue
    const {ctimeNs, mtimeNs, size: bytes, ino, dev, nlink} = file.stat
    times[2 * index] = ctimeNs
    times[2 * index + 1] = mtimeNs
    identities[4 * index] = bytes
    identities[4 * index + 1] = ino
    identities[4 * index + 2] = dev
    identities[4 * index + 3] = nlink
  }
  return {headers, numbers, paths, times, identities, isLast}
}

/**
 * @param {Batch} batch
 * @returns {Generator<TarItem, void, undefined>}
 */
export function* readBatch({headers, numbers, paths, times, identities}) {
  let at = 0
  for (const [index, path] of paths.entries()) {
    const [length = 0, size = 0, hash = 0, start = -1] = numbers.subarray(4 * index, 4 * index + 4)
    const header = headers.subarray(at, at + length)
    at += length
    if (path === undefined) yield {header, size, hash, file: undefined}
    else {
      const [ctimeNs = 0n, mtimeNs = 0n] = times.subarray(2 * index, 2 * index + 2)
      const identity = identities.subarray(4 * index, 4 * index + 4)
      const [bytes = 0n, ino = 0n, dev = 0n, nlink = 0n] = identity
      const stat = {ctimeNs, mtimeNs, size: bytes, ino, dev, nlink}
      const offset = start < 0 ? undefined : start
      yield {header, size, hash, file: {path, stat, offset}}
    }
  }
}

/**
 * Node's small buffers are parts of one that would go along.
 *
 * @param {string | Uint8Array} path
 */
function plain(path) {
  return typeof path === 'string' ? path : Uint8Array.from(path)
}
