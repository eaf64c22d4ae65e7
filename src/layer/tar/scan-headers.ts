import {type ByteString} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'
import type {Entry} from '../entry.js'
import {longestExtendedHeader} from '../limits.js'
import {blockSize, isZero} from './decode-header.js'
import {type Pax, xattrsOf} from './pax-values.js'
import {readRecords} from './scan-records.js'

/** What a header says, as far as directories, links and whiteouts go. */
export type ScannedEntry = Pick<Entry, 'path' | 'mode' | 'uid' | 'gid' | 'mtime' | 'xattrs'> &
  ({readonly kind: 'directory' | 'other'} | {readonly kind: 'symlink'; readonly target: ByteString})

/**
 * Tells `onEntry` of the headers of a layer that somebody else made, and that engines unpack: reads
 * what Go's archive/tar reads, in its way, where `createTarReader` refuses what readers disagree
 * on. Content is passed over, so sparse files are files; directories have none, whatever size they
 * say; nothing after the end marker counts. Throws `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`)
 * for what Go does not read either.
 * https://pkg.go.dev/archive/tar
 */
export function createHeaderScanner(onEntry: (entry: ScannedEntry) => void): {
  write(chunk: Uint8Array): void
  /** Throws when the archive is cut off within an entry. */
  end(): void
} {
  const block = Buffer.alloc(blockSize)
  let filled = 0
  /** Content that is still to be passed over, with its padding. */
  let left = 0
  let meta: {readonly type: string; readonly body: Buffer; filled: number} | undefined
  let pax: Pax = new Map()
  let long: {name?: ByteString; link?: ByteString} = {}
  let place: 'header' | 'sparse map' | 'content' | 'end' = 'header'
  let sparseSize = 0

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      for (let at = 0; at < bytes.length && place !== 'end';) at += step(bytes, at)
    },
    end() {
      if (place === 'end' || (place === 'header' && filled === 0)) return
      throw layerCorrupt('it is cut off')
    },
  }

  /** How many bytes it took. */
  function step(bytes: Buffer, at: number): number {
    if (place === 'content') return passOver(bytes, at)
    const taken = bytes.copy(block, filled, at)
    filled += taken
    if (filled < blockSize) return taken
    filled = 0
    if (place === 'sparse map') expectContent(sparseSize, block[504] !== 0)
    else header()
    return taken
  }

  function passOver(bytes: Buffer, at: number): number {
    const taken = Math.min(left, bytes.length - at)
    if (meta) meta.filled += bytes.copy(meta.body, meta.filled, at, at + taken)
    left -= taken
    if (left === 0) endContent()
    return taken
  }

  function endContent(): void {
    place = 'header'
    if (!meta) return
    const {type, body} = meta
    meta = undefined
    if (type === 'x') pax = readRecords(body)
    else if (type === 'L') long.name = textIn(body)
    else if (type === 'K') long.link = textIn(body)
  }

  function header(): void {
    if (isZero(block, 0)) {
      // Go wants two of them, and what is behind one is never a header that an engine sees
      place = 'end'
      return
    }
    if (!hasOwnChecksum(block)) throw layerCorrupt('a header does not have its own checksum')
    const type = String.fromCharCode(block[156] ?? 0)
    const size = numberIn(124, 12)
    if ('xgLK'.includes(type)) {
      if (size > longestExtendedHeader) throw layerCorrupt('an extended header is too large')
      meta = {type, body: Buffer.alloc(size), filled: 0}
      expectContent(size, false)
      return
    }
    const entry = entryOf(type)
    onEntry(entry)
    const stored = Number(textOf('size') ?? size)
    pax = new Map()
    long = {}
    sparseSize = stored
    expectContent(
      headerOnly.includes(type) || entry.kind === 'directory' ? 0 : stored,
      type === 'S' && block[482] !== 0,
    )
  }

  function expectContent(size: number, hasMap: boolean): void {
    if (!Number.isSafeInteger(size) || size < 0) throw layerCorrupt('an entry has no valid size')
    left = Math.ceil(size / blockSize) * blockSize
    place = hasMap ? 'sparse map' : left > 0 ? 'content' : 'header'
    if (place === 'header' && meta) endContent()
  }

  function entryOf(type: string): ScannedEntry {
    const path = textOf('GNU.sparse.name') ?? textOf('path') ?? long.name ?? nameIn()
    const common = {
      path,
      mode: numberIn(100, 8) & 0o7777,
      uid: Number(textOf('uid') ?? numberIn(108, 8)),
      gid: Number(textOf('gid') ?? numberIn(116, 8)),
      mtime: Math.floor(Number(textOf('mtime') ?? numberIn(136, 12))),
      xattrs: xattrsOf(pax),
    }
    if (type === '2') {
      return {
        kind: 'symlink',
        ...common,
        target: textOf('linkpath') ?? long.link ?? fieldIn(157, 100),
      }
    }
    const isDirectory = type === '5' || (type === '\0' && path.endsWith('/'))
    return {kind: isDirectory ? 'directory' : 'other', ...common}
  }

  /** An empty record takes a record back. */
  function textOf(keyword: string): ByteString | undefined {
    const value = pax.get(keyword)
    return value && value.length > 0 ? Buffer.from(value).toString('latin1') : undefined
  }

  function nameIn(): ByteString {
    const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? fieldIn(345, 155) : ''
    return prefix === '' ? fieldIn(0, 100) : `${prefix}/${fieldIn(0, 100)}`
  }

  function fieldIn(start: number, length: number): ByteString {
    return textIn(block.subarray(start, start + length))
  }

  function numberIn(start: number, length: number): number {
    const first = block[start] ?? 0
    if (first < 0x80) {
      const digits = block
        .toString('latin1', start, start + length)
        .replaceAll(/^[ \0]+|[ \0].*$/gs, '')
      const value = digits === '' ? 0 : Number(`0o${digits}`)
      if (!Number.isNaN(value)) return value
      throw layerCorrupt('a header has something else than a number')
    }
    const bits = length * 8 - 1
    const hex = block.toString('hex', start, start + length)
    return Number(BigInt.asIntN(bits, BigInt.asUintN(bits, BigInt(`0x${hex}`))))
  }
}

/** Links, devices, directories and FIFOs have no content, whatever their header says. */
const headerOnly = '123456'

function textIn(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}

/** Of unsigned bytes, or of signed ones as some old archivers added them up. */
function hasOwnChecksum(block: Buffer): boolean {
  let [unsigned, signed] = [0, 0]
  for (const [at, byte] of block.entries()) {
    const counted = at >= 148 && at < 156 ? 0x20 : byte
    unsigned += counted
    signed += counted > 127 ? counted - 256 : counted
  }
  const said = Number.parseInt(block.toString('latin1', 148, 156).trim(), 8)
  return said === unsigned || said === signed
}
