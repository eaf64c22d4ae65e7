// JavaScript, not TypeScript: the thread that reads files uses this file, in the source tree
// as well as in the built one.
import {closeSync, fstatSync, openSync, readSync} from 'node:fs'
import {isSameContent, isStill, openFlags} from '../../tree/unchanged-file.js'

const tarBlock = 512

/**
 * What the tar has of one entry.
 *
 * @typedef {object} TarItem
 * @property {Uint8Array} header whole blocks of 512 bytes
 * @property {number} size bytes of content
 * @property {number} hash of its path, below 2^32: it decides where blocks are cut
 * @property {TarFile | undefined} file where the content is
 */

/**
 * A file to be read. `stat` is what it was when it was listed. `descriptor` is one of it, at its
 * start, that somebody else closes. With `offset`, the content is only a part of the file, which
 * begins there.
 *
 * @typedef {object} TarFile
 * @property {string | Uint8Array} path
 * @property {import('../../tree/file-state.js').FileState} stat
 * @property {number | undefined} [offset]
 * @property {number | undefined} [descriptor]
 */

/**
 * A file while it is read.
 *
 * @typedef {object} Reading
 * @property {TarItem} item
 * @property {TarFile} file
 * @property {number} descriptor
 * @property {boolean} isOwn whether the descriptor is to be closed
 * @property {number} left bytes that are still to come
 */

/**
 * What kept a file from being read: `cause` while `doing` that, or, without a cause, that it is
 * not any more what was listed.
 */
export class UnreadFile extends Error {
  /**
   * @param {TarItem} item
   * @param {string} doing
   * @param {NodeJS.ErrnoException | undefined} cause
   */
  constructor(item, doing, cause) {
    super(`cannot ${doing} a file of the layer`)
    this.item = item
    this.doing = doing
    this.cause = cause
  }
}

/**
 * The tar of `items`, cut into blocks by `rule`; each block is in a buffer from `allocate` (of the
 * length asked for), which the consumer owns from then on. Ends with two zero blocks and no further
 * padding. Reads files synchronously, straight into the block. An item is done with when the next
 * one is asked for. Throws `UnreadFile`.
 *
 * @param {Iterable<TarItem>} items
 * @param {import('../../compress/blocks.js').BlockRule} rule
 * @param {(length: number) => Buffer} allocate
 * @returns {Generator<Buffer, void, undefined>}
 */
export function* tarBlocks(items, rule, allocate) {
  /** @type {Buffer | undefined} */
  let block
  /** Of the block, once there is one. */
  let length = rule.most
  let used = 0
  for (const item of items) {
    const total = item.header.length + item.size + padding(item.size)
    if (used > 0 && used + total > length) yield take()
    const isLarge = total > rule.most
    if (isLarge) {
      length = rule.large
      yield* putLarge(item)
    } else {
      used = putWhole(item, space(), used)
      if (used === length) yield* turnIfFull()
    }
    if (used > 0 && (isLarge || endsBlock(rule, used, item.hash, total))) yield take()
  }
  yield* put(new Uint8Array(2 * tarBlock))
  if (used > 0) yield take()

  /** What is filled so far; the next block is one of small entries until a large one comes. */
  function take() {
    const taken = space().subarray(0, used)
    block = undefined
    length = rule.most
    used = 0
    return taken
  }

  function space() {
    return (block ??= allocate(length))
  }

  /** Goes on in another block of the same kind. */
  function* turnIfFull() {
    if (used < length) return
    const kind = length
    yield take()
    length = kind
  }

  /** @param {Uint8Array} bytes */
  function* put(bytes) {
    for (let offset = 0; offset < bytes.length;) {
      const part = bytes.subarray(offset, offset + length - used)
      space().set(part, used)
      offset += part.length
      used += part.length
      yield* turnIfFull()
    }
  }

  /**
   * What is longer than a block.
   *
   * @param {TarItem} item
   */
  function* putLarge(item) {
    yield* put(item.header)
    if (!item.file) return
    const reading = begin(item, item.file)
    try {
      do {
        used += readMore(reading, space(), used)
        yield* turnIfFull()
      } while (reading.left > 0)
      checkSame(reading)
    } finally {
      end(reading)
    }
    // a block is a multiple of 512 bytes, so the padding never crosses its end
    used = pad(space(), used, item.size)
    yield* turnIfFull()
  }
}

/**
 * Puts what has room in the block into it: most entries. Returns where it ends.
 *
 * @param {TarItem} item
 * @param {Buffer} block
 * @param {number} start
 */
function putWhole(item, block, start) {
  block.set(item.header, start)
  let at = start + item.header.length
  if (item.file === undefined) return at
  const reading = begin(item, item.file)
  try {
    do at += readMore(reading, block, at)
    while (reading.left > 0)
    checkSame(reading)
  } finally {
    end(reading)
  }
  return pad(block, at, item.size)
}

/**
 * @param {TarItem} item
 * @param {TarFile} file
 * @returns {Reading}
 */
function begin(item, file) {
  try {
    const path = /** @type {string | Buffer} */ (file.path)
    const descriptor = file.descriptor ?? openSync(path, openFlags)
    return {item, file, descriptor, isOwn: file.descriptor === undefined, left: item.size}
  } catch (error) {
    throw unread(item, 'open', error)
  }
}

/** @param {Reading} reading */
function end({descriptor, isOwn}) {
  if (isOwn) closeSync(descriptor)
}

/**
 * Reads as much as there is room for; returns how much that was.
 *
 * @param {Reading} reading
 * @param {Buffer} block
 * @param {number} at
 */
function readMore(reading, block, at) {
  const {item, file, descriptor, left} = reading
  const {offset} = file
  // one byte more than is left, where there is room: a file that grew shows itself without a call
  // of its own
  const wanted = Math.min(offset === undefined ? left + 1 : left, block.length - at)
  const from = offset === undefined ? null : offset + item.size - left
  let got
  try {
    got = readSync(descriptor, block, at, wanted, from)
  } catch (error) {
    throw unread(item, 'read', error)
  }
  if (got > left || (got === 0 && left > 0)) throw new UnreadFile(item, 'read', undefined)
  reading.left = left - got
  return got
}

/**
 * Throws if the file is not any more what was listed.
 *
 * @param {Reading} reading
 */
function checkSame({item, file, descriptor}) {
  let now
  try {
    now = fstatSync(descriptor, {bigint: true})
  } catch (error) {
    throw unread(item, 'read', error)
  }
  if (!isSameContent(now, file.stat)) throw new UnreadFile(item, 'read', undefined)
}

/**
 * An error on what is not what was listed is a change, whatever its number.
 *
 * @param {TarItem} item
 * @param {string} doing
 * @param {unknown} error
 */
function unread(item, doing, error) {
  const isCause = item.file !== undefined && isStill(item.file.path, item.file.stat)
  const cause = isCause ? /** @type {NodeJS.ErrnoException} */ (error) : undefined
  return new UnreadFile(item, doing, cause)
}

/**
 * Fills the last block of 512 bytes of a file with zeros; returns where it ends.
 *
 * @param {Buffer} block
 * @param {number} at
 * @param {number} size
 */
function pad(block, at, size) {
  const zeros = padding(size)
  if (zeros > 0) block.fill(0, at, at + zeros)
  return at + zeros
}

/**
 * Whether a block that holds `used` bytes ends after an entry that takes `size` bytes of the tar.
 *
 * @param {import('../../compress/blocks.js').BlockRule} rule
 * @param {number} used
 * @param {number} hash
 * @param {number} size
 */
function endsBlock({least, apart}, used, hash, size) {
  return used >= least && hash < (size / apart) * 2 ** 32
}

/** @param {number} size */
function padding(size) {
  return -size & (tarBlock - 1)
}
