import type {ByteString} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'

/**
 * One header block as it stands: nothing of it is checked against other blocks, or as to whether it
 * is safe.
 */
export interface TarHeader {
  /** The type flag, one character. */
  readonly type: string
  /** With the ustar prefix. */
  readonly name: ByteString
  readonly link: ByteString
  readonly size: number
  /**
   * Whether the size may stand for one that did not fit: zero, the largest octal number, or not
   * octal at all.
   */
  readonly sizeYields: boolean
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
  readonly major: number
  readonly minor: number
}

export const blockSize = 512

/** The type flag `S`. */
const sparse = 0x53
const space = 0x20
/** The digit. */
const zero = 0x30

/**
 * Decodes the block at `at`; `undefined` for one of zeros. Understands v7, ustar and GNU headers.
 * Throws `IntegrityError` where lenient readers guess: wrong checksums, invalid numbers,
 * negative or beyond 2^53.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
 * https://www.gnu.org/software/tar/manual/html_node/Standard.html
 */
export function decodeHeader(block: Buffer, at: number): TarHeader | undefined {
  if (block[at] === 0 && isZero(block, at)) return undefined
  checkSum(block, at)
  const size = number(block, at + 124, 12, 'size')
  if (size === undefined || size < 0) throw layerCorrupt('an entry has no valid size')
  return {
    type: String.fromCharCode(block[at + 156] ?? 0),
    name: name(block, at),
    link: text(block, at + 157, 100),
    size,
    sizeYields: size === 0 || size === 0o77777777777 || (block[at + 124] ?? 0) >= 0x80,
    mode: positive(number(block, at + 100, 8, 'mode'), 'mode') & 0o7777,
    uid: positive(number(block, at + 108, 8, 'owner'), 'owner'),
    gid: positive(number(block, at + 116, 8, 'group'), 'group'),
    mtime: number(block, at + 136, 12, 'time') ?? 0,
    ...deviceNumbers(block, at),
  }
}

/** Whether `block` is nothing but zeros from `start` to `end`. */
export function isZero(block: Uint8Array, start: number, end = start + blockSize): boolean {
  for (let i = start; i < end; i++) if (block[i] !== 0) return false
  return true
}

function name(block: Buffer, at: number): ByteString {
  const base = text(block, at, 100)
  // GNU's old format has times where ustar has the prefix; others have nothing that is defined
  if (hasBytes(block, at + 257, ustar)) {
    const prefix = text(block, at + 345, 155)
    return prefix === '' ? base : `${prefix}/${base}`
  }
  const magic = block.toString('latin1', at + 257, at + 265)
  if (magic.startsWith('ustar') && magic !== 'ustar  \0') {
    throw layerCorrupt('an entry is of an unknown archive format')
  }
  // Python takes whatever is there for a prefix, and Go what is not a time; sparse files, which
  // have more there, are refused anyway
  if (block[at + 156] !== sparse && !isZero(block, at + 345, at + 500)) {
    throw layerCorrupt('an entry has a prefix to its name, which its archive format does not know')
  }
  return base
}

const ustar = Buffer.from('ustar\0')

/** Whether the block has just these bytes from there on; faster for a few than to compare parts. */
export function hasBytes(block: Uint8Array, from: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (block[from + at] !== bytes[at]) return false
  return true
}

function deviceNumbers(block: Buffer, at: number): {major: number; minor: number} {
  // Python ends an archive at a header in which they are not numbers, whatever the entry is
  const major = number(block, at + 329, 8, 'device number')
  const minor = number(block, at + 337, 8, 'device number')
  const type = block[at + 156]
  const isDevice = type === 0x33 || type === 0x34
  if (!isDevice) return {major: 0, minor: 0}
  return {major: positive(major, 'device number'), minor: positive(minor, 'device number')}
}

/** Up to the first NUL. */
function text(block: Buffer, start: number, length: number): ByteString {
  let end = start
  while (end < start + length && block[end] !== 0) end++
  return end === start ? '' : block.toString('latin1', start, end)
}

/** `undefined` for a blank field. */
function number(block: Buffer, start: number, length: number, what: string): number | undefined {
  if ((block[start] ?? 0) >= 0x80) return base256(block.subarray(start, start + length), what)
  const end = start + length
  let at = start
  while (at < end && block[at] === space) at++
  const first = at
  let value = 0
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - zero
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  const isBlank = at === first
  while (at < end && (block[at] === space || block[at] === 0)) at++
  if (at < end) throw layerCorrupt(`the ${what} of an entry is not a number`)
  return isBlank ? undefined : value
}

/** GNU's form for what does not fit: two's complement, big-endian, without the very first bit. */
function base256(bytes: Buffer, what: string): number {
  const bits = bytes.length * 8 - 1
  const unsigned = BigInt.asUintN(bits, BigInt(`0x${bytes.toString('hex')}`))
  const value = Number(BigInt.asIntN(bits, unsigned))
  if (!Number.isSafeInteger(value)) throw layerCorrupt(`the ${what} of an entry is out of range`)
  return value
}

function positive(value: number | undefined, what: string): number {
  if (value !== undefined && (value < 0 || value >= 0xffff_ffff)) {
    throw layerCorrupt(`the ${what} of an entry is out of range`)
  }
  return value ?? 0
}

/** Counted with the checksum's own field as spaces. Some old archivers added signed bytes. */
function checkSum(block: Buffer, at: number): void {
  let unsigned = 8 * 0x20
  for (let i = at; i < at + 148; i++) unsigned += block[i] ?? 0
  for (let i = at + 156; i < at + blockSize; i++) unsigned += block[i] ?? 0
  const found = number(block, at + 148, 8, 'checksum')
  if (found !== unsigned && found !== unsigned - 256 * highBytes(block, at)) {
    throw layerCorrupt('a header does not have its own checksum')
  }
}

/** How many bytes are negative as signed ones, without the checksum's own field. */
function highBytes(block: Buffer, at: number): number {
  let high = 0
  for (let i = at; i < at + blockSize; i++)
    if ((block[i] ?? 0) > 127 && (i < at + 148 || i >= at + 156)) high++
  return high
}
