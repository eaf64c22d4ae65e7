// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {createHash} from 'node:crypto'

/** Bytes of a key: the digest of a block, and one that says how it is compressed. */
export const blockKeyLength = 33

/**
 * The key of a block by its sha256. `how` (0 to 255) identifies the format and its level, because
 * another one gives other bytes.
 *
 * @param {Uint8Array} digest
 * @param {number} how
 * @returns {Buffer}
 */
export function blockKey(digest, how) {
  const key = Buffer.alloc(blockKeyLength, digest)
  key[digest.length] = how
  return key
}

/**
 * @param {Uint8Array} block
 * @param {number} how as in `blockKey`
 */
export function blockKeyOf(block, how) {
  return blockKey(sha256(block), how)
}

/** @param {Uint8Array} bytes */
export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest()
}

const lengthAt = blockKeyLength + 6
const digestAt = lengthAt + 4

/**
 * Bytes of an entry in the index of a file of compressed blocks: the key, where the compressed
 * block is (6 bytes), its length (4), and its sha256.
 */
export const entryLength = digestAt + 32

/**
 * What an entry says.
 *
 * @typedef {object} BlockEntry
 * @property {Buffer} key
 * @property {number} offset
 * @property {number} length
 * @property {Buffer} digest sha256 of the compressed block
 */

/**
 * @param {{key: Uint8Array, offset: number, length: number, digest: Uint8Array}} entry
 * @returns {Buffer}
 */
export function encodeEntry({key, offset, length, digest}) {
  const bytes = Buffer.alloc(entryLength)
  bytes.set(key)
  bytes.writeUIntLE(offset, blockKeyLength, 6)
  bytes.writeUInt32LE(length, lengthAt)
  bytes.set(digest, digestAt)
  return bytes
}

/**
 * The entry of this number. It refers to the index.
 *
 * @param {Buffer} index
 * @param {number} number
 * @returns {BlockEntry}
 */
export function decodeEntry(index, number) {
  const at = number * entryLength
  return {
    key: index.subarray(at, at + blockKeyLength),
    offset: index.readUIntLE(at + blockKeyLength, 6),
    length: index.readUInt32LE(at + lengthAt),
    digest: index.subarray(at + digestAt, at + entryLength),
  }
}

/**
 * The number of the entry with this key, in an index that is sorted by key; `undefined` if there is
 * none.
 *
 * @param {Buffer} index
 * @param {Buffer} key
 * @returns {number | undefined}
 */
export function findEntry(index, key) {
  const start = key.readUInt32BE(0)
  const count = index.length / entryLength
  // by their first bytes, for a call to compare whole keys takes ten times as long
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (index.readUInt32BE(middle * entryLength) < start) low = middle + 1
    else high = middle
  }
  for (; low < count && index.readUInt32BE(low * entryLength) === start; low++) {
    const at = low * entryLength
    if (index.compare(key, 0, blockKeyLength, at, at + blockKeyLength) === 0) return low
  }
  return undefined
}
