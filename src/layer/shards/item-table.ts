import type {ByteString} from '../byte-string.js'
import {WordList} from '../number-lists.js'

/**
 * The things that layers of a slot are cut from, in the order of their paths; nine bytes each,
 * whatever their names.
 */
export interface ItemTable {
  readonly length: number
  /** Of all items. */
  bytes(): number
  bytesOf(item: number): number
  hashOf(item: number): number
  /**
   * How many directories, from the outermost on, lead to the item and to the one before it;
   * `undefined` when both are in the same one.
   */
  sharedDirectories(item: number): number | undefined
}

export interface WritableItemTable extends ItemTable {
  /** Returns the number of the item, counted from 0. */
  add(path: ByteString, bytes: number): number
  /** Adds to the bytes of an item. */
  grow(item: number, bytes: number): void
}

const unit = 512
const sameDirectory = 255

/** An empty table. Bytes are counted in whole blocks of 512, at most 2^32 of them an item. */
export function createItemTable(): WritableItemTable {
  const hashes = new WordList()
  const blocks = new WordList()
  let shared = new Uint8Array(1024)
  let length = 0
  let total = 0
  let folder: ByteString | undefined

  const grow = (item: number, bytes: number): void => {
    const before = blocks.at(item)
    const after = Math.min(before + Math.ceil(bytes / unit), 2 ** 32 - 1)
    blocks.put(item, after)
    total += after - before
  }
  return {
    get length() {
      return length
    },
    bytes: () => total * unit,
    bytesOf: (item) => blocks.at(item) * unit,
    hashOf: (item) => hashes.at(item),
    sharedDirectories(item) {
      const count = shared[item] ?? 0
      return count === sameDirectory ? undefined : count
    },
    add(path, bytes) {
      if (length === shared.length) shared = doubled(shared)
      const own = path.slice(0, path.lastIndexOf('/') + 1)
      hashes.push(hashPath(path))
      shared[length] =
        own === folder ? sameDirectory : Math.min(countShared(folder ?? '', own), sameDirectory - 1)
      folder = own
      grow(length, bytes)
      return length++
    },
    grow,
  }
}

/**
 * 32 bits of FNV-1a, mixed well: the same on every machine.
 * http://www.isthe.com/chongo/tech/comp/fnv/
 */
export function hashPath(path: ByteString): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < path.length; i++) hash = Math.imul(hash ^ path.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** Of two folders with a slash at their ends. */
function countShared(a: ByteString, b: ByteString): number {
  let count = 0
  for (let i = 0; i < a.length && a[i] === b[i]; i++) if (a[i] === '/') count++
  return count
}

function doubled(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * array.length)
  larger.set(array)
  return larger
}
