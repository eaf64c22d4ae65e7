import {closeSync, fstatSync, lstatSync, openSync, readSync} from 'node:fs'
import {localIoError} from '../../disk/local-io-error.js'
import {type BlockRule, endsBlock} from '../compress/blocks.js'
import {readable} from '../byte-string.js'
import {blockSize, encodeHeader} from '../tar/encode-header.js'
import {changed, isSame, isSameContent} from '../tree/file-state.js'
import {openFlags} from '../tree/walk.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'

/**
 * The tar stream of `entries`, cut into blocks by `rule`; each block is in a buffer from `allocate`
 * (of the length asked for), which the consumer owns from then on. Ends with two zero blocks and no
 * further padding. Reads files synchronously, straight into the block. Throws `LocalIoError`
 * (`ERR_INJECT_CHANGED_WHILE_PACKED`) for a file that is not, when read to its end, what was
 * listed.
 */
export function* writeTar(
  entries: Iterable<WalkedEntry>,
  rule: BlockRule,
  allocate: (length: number) => Buffer,
): Generator<Buffer> {
  let block: Buffer | undefined
  /** Of the block, once there is one. */
  let length = rule.most
  let used = 0
  for (const walked of entries) {
    const header = encodeHeader(walked.entry)
    const size = walked.file ? Number(walked.file.stat.size) : 0
    const total = header.length + size + padding(size)
    const isLarge = total > rule.most
    if (used > 0 && used + total > length) yield take()
    if (isLarge) length = rule.large
    yield* put(header)
    if (walked.file) yield* putFile(walked, walked.file, size)
    if (used > 0 && (isLarge || endsBlock(rule, used, walked.entry.path, total))) yield take()
  }
  yield* put(new Uint8Array(2 * blockSize))
  if (used > 0) yield take()

  /** What is filled so far; the next block is one of small entries until a large one comes. */
  function take(): Buffer {
    const taken = space().subarray(0, used)
    block = undefined
    length = rule.most
    used = 0
    return taken
  }

  function space(): Buffer {
    return (block ??= allocate(length))
  }

  /** Goes on in another block of the same kind. */
  function* turnIfFull(): Generator<Buffer> {
    if (used < length) return
    const kind = length
    yield take()
    length = kind
  }

  function* put(bytes: Uint8Array): Generator<Buffer> {
    for (let offset = 0; offset < bytes.length;) {
      // a part of it is a new object, for each entry
      const isWhole = offset === 0 && bytes.length <= length - used
      const part = isWhole ? bytes : bytes.subarray(offset, offset + length - used)
      space().set(part, used)
      offset += part.length
      used += part.length
      yield* turnIfFull()
    }
  }

  function* putFile({entry}: WalkedEntry, file: WalkedFile, size: number): Generator<Buffer> {
    const opened = file.opened?.()
    const descriptor = opened ?? attempt('open', () => openSync(file.path, openFlags))
    try {
      let left = size
      do {
        const into = space()
        // one byte more than is left, where there is room: a file that grew shows itself without a
        // call of its own
        const wanted = Math.min(left + 1, length - used)
        const at = used
        const got = attempt('read', () => readSync(descriptor, into, at, wanted, null))
        if (got > left || (got === 0 && left > 0)) throw changed(entry.path)
        left -= got
        used += got
        yield* turnIfFull()
      } while (left > 0)
      if (
        !isSameContent(
          attempt('read', () => fstatSync(descriptor, {bigint: true})),
          file.stat,
        )
      )
        throw changed(entry.path)
    } finally {
      if (opened === undefined) closeSync(descriptor)
    }
    const zeros = padding(size)
    // a block is a multiple of 512 bytes, so the padding never crosses its end
    if (zeros > 0) space().fill(0, used, used + zeros)
    used += zeros
    yield* turnIfFull()

    function attempt<T>(doing: string, call: () => T): T {
      try {
        return call()
      } catch (error) {
        throw isStill(file) ? localIoError(error, doing, readable(entry.path)) : changed(entry.path)
      }
    }
  }
}

/**
 * Whether the path names what was listed: an error on something else is a change, whatever its
 * number.
 */
function isStill({path, stat}: WalkedFile): boolean {
  const now = lstatSync(path, {bigint: true, throwIfNoEntry: false})
  return now !== undefined && isSame(now, stat)
}

function padding(size: number): number {
  return -size & (blockSize - 1)
}
