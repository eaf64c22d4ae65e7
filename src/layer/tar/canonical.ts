import type {Entry} from '../entry.js'
import type {TarHeader} from './decode-header.js'
import {blockSize, encodeHeader} from './encode-header.js'
import {isPlainHeader} from './plain-header.js'
import type {TarHandler} from './tar-handler.js'

/**
 * Finds out, while an archive is read, whether it is byte for byte what we would write for its
 * entries, so that the entries determine the archive.
 */
export interface CanonicalCheck extends Required<
  Pick<TarHandler, 'header' | 'extension' | 'oddPadding'>
> {
  /** Takes each entry from the reader; returns the entry as we would write it. */
  entry(entry: Entry): Entry
  /** Call it after the archive's end, with its length. */
  isCanonical(length: number): boolean
}

/** A new one, for one archive. */
export function createCanonicalCheck(): CanonicalCheck {
  let isSame = true
  /** The size of the entries so far, and the end marker. */
  let expectedLength = 2 * blockSize
  /** Where the entry's own header is. */
  let last: Buffer | undefined
  let lastAt = 0
  let extended: {readonly header: Buffer; body: Buffer} | undefined

  return {
    header({type}: TarHeader, block, at) {
      last = block
      lastAt = at
      if (type !== 'x') return
      extended = {header: Buffer.from(block.subarray(at, at + blockSize)), body: Buffer.alloc(0)}
    },
    extension(body) {
      if (extended) extended.body = body
    },
    oddPadding() {
      isSame = false
    },
    entry(archived) {
      const path = pathOf(archived)
      const entry = path === archived.path ? archived : {...archived, path}
      if (isSame) check(entry)
      last = undefined
      extended = undefined
      return entry
    },
    isCanonical: (length) => isSame && length === expectedLength,
  }

  function check(entry: Entry): void {
    const size = entry.kind === 'file' ? entry.size : 0
    expectedLength += Math.ceil(size / blockSize) * blockSize
    if (last && isPlainHeader(last, lastAt, entry)) expectedLength += blockSize
    else checkEncoded(entry)
  }

  function checkEncoded(entry: Entry): void {
    const expected = encodeHeader(entry)
    const own = expected.length - blockSize
    isSame = last !== undefined && isAt(last, lastAt, expected, own)
    if (own > 0) isSame &&= extended !== undefined && isExtension(extended, expected)
    expectedLength += expected.length
  }
}

/** Whether the block at `at` is that of `expected` at `own`. */
function isAt(block: Buffer, at: number, expected: Uint8Array, own: number): boolean {
  return block.compare(expected, own, own + blockSize, at, at + blockSize) === 0
}

/** The padding is zeros, because the reader throws otherwise. */
function isExtension(
  {header, body}: {readonly header: Buffer; readonly body: Buffer},
  expected: Uint8Array,
): boolean {
  const end = blockSize + body.length
  return (
    isAt(header, 0, expected, 0) &&
    end <= expected.length &&
    body.equals(expected.subarray(blockSize, end))
  )
}

/** In archives, names of directories end with a slash. */
function pathOf({kind, path}: Entry): string {
  return kind === 'directory' && path.endsWith('/') ? path.slice(0, -1) : path
}
