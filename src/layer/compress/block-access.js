// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {readSync, writeSync} from 'node:fs'
import {decodeEntry, encodeEntry, findEntry, sha256} from './block-entry.js'

/** New blocks of one thread that are kept: what is told of them has to fit into its small heap. */
const mostAdded = 100_000

/**
 * What all threads of a run share of a cache of blocks.
 *
 * @typedef {object} SharedBlocks
 * @property {readonly ReadableBlocks[]} files the own one first, if there is one
 * @property {boolean} hasOwn
 * @property {number | undefined} fresh a file for new blocks; without one none are kept
 * @property {BigInt64Array} end where the next new block goes
 */

/**
 * A file of blocks that is open to be read. `index` is in memory that threads share.
 *
 * @typedef {object} ReadableBlocks
 * @property {number} descriptor
 * @property {Uint8Array} index
 */

/**
 * What a thread did with the cache. `used`: numbers of entries of the own file; `added`: entries of
 * new blocks; `failure`: why no more blocks were kept.
 *
 * @typedef {object} BlockUse
 * @property {readonly number[]} used
 * @property {readonly Uint8Array[]} added
 * @property {string | undefined} failure
 */

/**
 * The cache as one thread sees it.
 *
 * @param {SharedBlocks} shared
 */
export function createBlockAccess({files, hasOwn, fresh, end}) {
  const indexes = files.map(({index}) =>
    Buffer.from(index.buffer, index.byteOffset, index.byteLength),
  )
  /** @type {number[]} */
  let used = []
  /** Entries of new blocks, by their keys as text. @type {Map<string, Uint8Array>} */
  let added = new Map()
  /** @type {string | undefined} */
  let failure

  return {
    /**
     * The compressed block of this key, checked, in memory from `allocate`, which may give none;
     * `undefined` for an unknown key, and for a block that does not match its digest.
     *
     * @param {Buffer} key
     * @param {(length: number) => Uint8Array | undefined} allocate
     * @returns {Uint8Array | undefined}
     */
    read(key, allocate) {
      for (const [number, index] of indexes.entries()) {
        const found = findEntry(index, key)
        if (found === undefined) continue
        const entry = decodeEntry(index, found)
        const bytes = readChecked(files[number]?.descriptor, entry, allocate)
        if (!bytes) continue
        if (hasOwn && number === 0) used.push(found)
        else keep(key, bytes, entry.digest)
        return bytes
      }
      const again = added.get(key.toString('latin1'))
      return again && readChecked(fresh, decodeEntry(Buffer.from(again), 0), allocate)
    },
    /**
     * Keeps a compressed block that could not be read, as far as there is room; the first 100,000
     * since `takeUse`. Never throws.
     *
     * @param {Buffer} key
     * @param {Uint8Array} bytes
     */
    add(key, bytes) {
      if (fresh !== undefined) keep(key, bytes, sha256(bytes))
    },
    /**
     * What was done since this was asked last.
     *
     * @returns {BlockUse}
     */
    takeUse() {
      const use = {used, added: [...added.values()], failure}
      used = []
      added = new Map()
      return use
    },
  }

  /**
   * @param {Buffer} key
   * @param {Uint8Array} bytes
   * @param {Uint8Array} digest
   */
  function keep(key, bytes, digest) {
    if (fresh === undefined || failure !== undefined || added.size >= mostAdded) return
    const {length} = bytes
    const offset = Number(Atomics.add(end, 0, BigInt(length)))
    try {
      for (let at = 0; at < length;) at += writeSync(fresh, bytes, at, length - at, offset + at)
      added.set(key.toString('latin1'), encodeEntry({key, offset, length, digest}))
    } catch (error) {
      failure = /** @type {Error} */ (error).message
    }
  }
}

/**
 * @param {number | undefined} descriptor
 * @param {import('./block-entry.js').BlockEntry} entry
 * @param {(length: number) => Uint8Array | undefined} allocate
 */
function readChecked(descriptor, {offset, length, digest}, allocate) {
  const bytes = descriptor === undefined ? undefined : allocate(length)
  if (!bytes || !readWhole(descriptor ?? -1, bytes, offset)) return undefined
  return sha256(bytes).equals(digest) ? bytes : undefined
}

/**
 * Whether the file had as many bytes.
 *
 * @param {number} descriptor
 * @param {Uint8Array} into
 * @param {number} offset
 */
export function readWhole(descriptor, into, offset) {
  try {
    for (let at = 0; at < into.length;) {
      const got = readSync(descriptor, into, at, into.length - at, offset + at)
      if (got === 0) return false
      at += got
    }
    return true
  } catch {
    return false
  }
}
