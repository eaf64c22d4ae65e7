// JavaScript, not TypeScript: the thread that reads files uses this file, in the source tree
// as well as in the built one.
import {closeSync, fstatSync, lstatSync, openSync, readSync} from 'node:fs'
import {isSame, isSameContent, openFlags} from '../../tree/unchanged-file.js'

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
 * A file to be read. `state` is what it was when it was listed; `opened` gives a descriptor of it,
 * at its start, that somebody else closes. With `offset`, the content is only a part of the file,
 * which begins there.
 *
 * @typedef {object} TarFile
 * @property {string | Uint8Array} path
 * @property {import('../../tree/file-state.js').FileState} state
 * @property {number | undefined} [offset]
 * @property {(() => number | undefined) | undefined} [opened]
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
 * padding. Reads files synchronously, straight into the block. Throws `UnreadFile`.
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
    const {header, size, file} = item
    const total = header.length + size + padding(size)
    const isLarge = total > rule.most
    if (used > 0 && used + total > length) yield take()
    if (isLarge) length = rule.large
    yield* put(header)
    if (file) yield* putFile(item, file)
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
      // a part of it is a new object, for each entry
      const isWhole = offset === 0 && bytes.length <= length - used
      const part = isWhole ? bytes : bytes.subarray(offset, offset + length - used)
      space().set(part, used)
      offset += part.length
      used += part.length
      if (used === length) yield* turnIfFull()
    }
  }

  /**
   * @param {TarItem} item
   * @param {TarFile} file
   */
  function* putFile(item, file) {
    const {size} = item
    const {offset} = file
    const opened = file.opened?.()
    const descriptor =
      opened ??
      attempt('open', () => openSync(/** @type {string | Buffer} */ (file.path), openFlags))
    try {
      let left = size
      do {
        const into = space()
        // one byte more than is left, where there is room: a file that grew shows itself without a
        // call of its own
        const wanted = Math.min(offset === undefined ? left + 1 : left, length - used)
        const from = offset === undefined ? null : offset + size - left
        const at = used
        const got = attempt('read', () => readSync(descriptor, into, at, wanted, from))
        if (got > left || (got === 0 && left > 0)) throw new UnreadFile(item, 'read', undefined)
        left -= got
        used += got
        if (used === length) yield* turnIfFull()
      } while (left > 0)
      const now = attempt('read', () => fstatSync(descriptor, {bigint: true}))
      if (!isSameContent(now, file.state)) throw new UnreadFile(item, 'read', undefined)
    } finally {
      if (opened === undefined) closeSync(descriptor)
    }
    const zeros = padding(size)
    // a block is a multiple of 512 bytes, so the padding never crosses its end
    if (zeros > 0) space().fill(0, used, used + zeros)
    used += zeros
    if (used === length) yield* turnIfFull()

    /**
     * @template T
     * @param {string} doing
     * @param {() => T} call
     */
    function attempt(doing, call) {
      try {
        return call()
      } catch (error) {
        const cause = isStill(file) ? /** @type {NodeJS.ErrnoException} */ (error) : undefined
        throw new UnreadFile(item, doing, cause)
      }
    }
  }
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

/**
 * Whether the path names what was listed: an error on something else is a change, whatever its
 * number.
 *
 * @param {TarFile} file
 */
function isStill({path, state}) {
  const now = lstatSync(/** @type {string | Buffer} */ (path), {
    bigint: true,
    throwIfNoEntry: false,
  })
  return now !== undefined && isSame(now, state)
}

/** @param {number} size */
function padding(size) {
  return -size & (tarBlock - 1)
}
