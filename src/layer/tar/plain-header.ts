import type {Entry} from '../entry.js'
import {blockSize, hasBytes, isZero} from './decode-header.js'

/** The digit. */
const zero = 0x30
const space = 0x20
const slash = 0x2f

/** `ustar`, a NUL, and the version 00. */
const magic = Buffer.from('ustar\u000000')

const types: Partial<Record<Entry['kind'], number>> = {
  file: zero,
  hardlink: zero + 1,
  symlink: zero + 2,
  directory: zero + 5,
}

/**
 * Whether the header at `at`, which has its own checksum, is certainly the one that `encodeHeader`
 * writes for an entry: three times as fast as encoding, and without garbage. `false` also for what
 * needs a PAX header, has a name that is not ASCII or is longer than 100 bytes, and for devices:
 * encoding these tells.
 */
export function isPlainHeader(block: Uint8Array, at: number, entry: Entry): boolean {
  const {kind, path, xattrs} = entry
  if (block[at + 156] !== types[kind] || (xattrs !== undefined && xattrs.size > 0)) return false
  if (kind === 'directory' && block[at + path.length] !== slash) return false
  const target = kind === 'symlink' || kind === 'hardlink' ? entry.target : ''
  return (
    isField(block, at, path, kind === 'directory' ? 1 : 0) &&
    isOctal(block, at + 100, 7, entry.mode) &&
    isOctal(block, at + 108, 7, entry.uid) &&
    isOctal(block, at + 116, 7, entry.gid) &&
    isOctal(block, at + 124, 11, kind === 'file' ? entry.size : 0) &&
    isOctal(block, at + 136, 11, entry.mtime) &&
    isOctal(block, at + 148, 6) &&
    block[at + 155] === space &&
    isField(block, at + 157, target) &&
    hasBytes(block, at + 257, magic) &&
    isZero(block, at + 257 + magic.length, at + blockSize)
  )
}

/** Whether the 100 bytes are an ASCII text, so many bytes that were looked at, and zeros. */
function isField(block: Uint8Array, from: number, text: string, known = 0): boolean {
  const {length} = text
  if (length + known > 100) return false
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f || block[from + at] !== code) return false
  }
  return isZero(block, from + length + known, from + 100)
}

/** Whether a number stands there in so many digits, with a NUL after it: `value`, if given. */
function isOctal(block: Uint8Array, from: number, width: number, value?: number): boolean {
  let found = 0
  for (let at = from; at < from + width; at++) {
    const digit = (block[at] ?? 0) - zero
    if (digit < 0 || digit > 7) return false
    found = found * 8 + digit
  }
  return block[from + width] === 0 && (value === undefined || found === value)
}
