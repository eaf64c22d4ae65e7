import {LimitError} from '../../errors.js'
import {encodePaxRecords} from './pax-records.js'
import {longestExtendedHeader} from '../limits.js'
import {xattrKeyword} from './pax-values.js'
import {display, isAscii, toText, type ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'

export const blockSize = 512

const typeFlags = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  'character-device': '3',
  'block-device': '4',
  directory: '5',
  fifo: '6',
} as const satisfies Record<Entry['kind'], string>

const largestOctal7 = 0o7777777
const largestOctal11 = 0o77777777777

/**
 * The header blocks of an entry: one ustar header, and before it a PAX extended header when a value
 * does not fit or must not be guessed at (long or UTF-8 names, big numbers, negative times,
 * xattrs). A multiple of 512 bytes; equal entries give equal bytes.
 * https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13
 *
 * node-tar's `Header` encodes text as UTF-8 only and takes 5 µs an entry, a tenth of a whole
 * update: names here are bytes, and cost 1 µs.
 */
export function encodeHeader(entry: Entry): Uint8Array {
  const records = paxRecords(entry)
  const size = entry.kind === 'file' ? entry.size : 0
  const fits = records.length === 0
  const body = fits ? undefined : encodePaxRecords(records)
  const padded = body ? Math.ceil(body.length / blockSize) * blockSize : 0
  // of memory that many share: each of its own is more work than all of the rest
  const bytes = Buffer.allocUnsafe(body ? 2 * blockSize + padded : blockSize).fill(0)
  let offset = 0
  if (body) {
    checkSize(body, entry)
    const base = entry.path.slice(entry.path.lastIndexOf('/') + 1)
    const name = `PaxHeaders/${base.slice(0, 80)}`
    writeUstar(bytes, 0, {
      ...plain,
      name,
      type: 'x',
      size: body.length,
      mtime: within(entry.mtime, largestOctal11),
    })
    bytes.set(body, blockSize)
    offset = blockSize + padded
  }
  const [name, prefix] = splitName(headerName(entry)) ?? [headerName(entry).slice(0, 100), '']
  writeUstar(bytes, offset, {
    name,
    prefix,
    mode: entry.mode,
    uid: within(entry.uid, largestOctal7),
    gid: within(entry.gid, largestOctal7),
    size: within(size, largestOctal11),
    mtime: within(entry.mtime, largestOctal11),
    type: typeFlags[entry.kind],
    link: 'target' in entry ? entry.target.slice(0, 100) : '',
    major: 'major' in entry ? entry.major : 0,
    minor: 'minor' in entry ? entry.minor : 0,
  })
  return bytes
}

/** What no reader takes, ours among them, is not written. */
function checkSize({length}: Uint8Array, {path}: Entry): void {
  if (length <= longestExtendedHeader) return
  throw new LimitError(
    'ERR_INJECT_EXTENDED_HEADER_TOO_LARGE',
    `the extended attributes of ${display(path)} are larger than 1 MiB together`,
    {expected: longestExtendedHeader, found: length},
  )
}

/** Directories carry a trailing slash, as every tar writes them. */
function headerName(entry: Entry): ByteString {
  return entry.kind === 'directory' ? `${entry.path}/` : entry.path
}

function paxRecords(entry: Entry): [string, ByteString | Uint8Array][] {
  const records: [string, ByteString | Uint8Array][] = []
  const name = headerName(entry)
  if (isUtf8(name) || splitName(name) === undefined) records.push(['path', name])
  if ('target' in entry && (isUtf8(entry.target) || entry.target.length > 100)) {
    records.push(['linkpath', entry.target])
  }
  if (entry.kind === 'file' && entry.size > largestOctal11)
    records.push(['size', String(entry.size)])
  if (entry.uid > largestOctal7) records.push(['uid', String(entry.uid)])
  if (entry.gid > largestOctal7) records.push(['gid', String(entry.gid)])
  if (entry.mtime < 0 || entry.mtime > largestOctal11) records.push(['mtime', String(entry.mtime)])
  for (const [xattr, value] of entry.xattrs ?? []) records.push([xattrKeyword(xattr), value])
  return records
}

/**
 * UTF-8 beyond ASCII goes into a PAX record, where the standard says it is UTF-8; other bytes stay
 * raw in the header, as GNU tar has them.
 */
function isUtf8(name: ByteString): boolean {
  return !isAscii(name) && toText(name) !== undefined
}

/** `[name, prefix]` for the two header fields, cut at a slash; `undefined` when it does not fit. */
function splitName(name: ByteString): readonly [ByteString, ByteString] | undefined {
  if (name.length <= 100) return [name, '']
  if (name.length > 256) return undefined
  // the first slash that leaves at most 100 bytes after it; a directory's own trailing slash is no
  // place to cut
  const slash = name.indexOf('/', name.length - 101)
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined
  return [name.slice(slash + 1), name.slice(0, slash)]
}

/** A value too large for its octal field is zero there, and in a PAX record. */
function within(value: number, largest: number): number {
  return value >= 0 && value <= largest ? value : 0
}

interface Fields {
  readonly name: ByteString
  readonly prefix: ByteString
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: number
  readonly type: string
  readonly link: ByteString
  readonly major: number
  readonly minor: number
}

const plain = {prefix: '', mode: 0o644, uid: 0, gid: 0, link: '', major: 0, minor: 0} as const

function writeUstar(bytes: Buffer, at: number, fields: Fields): void {
  bytes.write(fields.name, at, 100, 'latin1')
  octal(bytes, at + 100, 8, fields.mode)
  octal(bytes, at + 108, 8, fields.uid)
  octal(bytes, at + 116, 8, fields.gid)
  octal(bytes, at + 124, 12, fields.size)
  octal(bytes, at + 136, 12, fields.mtime)
  bytes.write(fields.type, at + 156, 1, 'latin1')
  bytes.write(fields.link, at + 157, 100, 'latin1')
  bytes.write('ustar\u000000', at + 257, 8, 'latin1')
  if (fields.type === '3' || fields.type === '4') {
    octal(bytes, at + 329, 8, fields.major)
    octal(bytes, at + 337, 8, fields.minor)
  }
  bytes.write(fields.prefix, at + 345, 155, 'latin1')
  // the checksum counts its own field as spaces
  let sum = 8 * 0x20
  for (let i = at; i < at + blockSize; i++) sum += bytes[i] ?? 0
  octal(bytes, at + 148, 7, sum)
  bytes[at + 155] = 0x20
}

/** Zero-padded octal that ends in NUL, as GNU tar and Go write it. */
function octal(bytes: Buffer, at: number, width: number, value: number): void {
  let left = value
  for (let digit = at + width - 2; digit >= at; digit--) {
    bytes[digit] = 0x30 + (left % 8)
    left = Math.floor(left / 8)
  }
}
