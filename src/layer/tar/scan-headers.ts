import {type ByteString} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'
import type {Entry} from '../entry.js'
import {longestExtendedHeader} from '../limits.js'
import {blockSize, isZero} from './decode-header.js'
import {type Pax, xattrsOf} from './pax-values.js'
import {readRecords} from './scan-records.js'
import {createSparseContent} from './sparse-content.js'
import {number, oldParts, sparseFileOf, type SparseFile, type SparsePart} from './sparse-map.js'
import type {TarHandler} from './tar-handler.js'

/** Told of the content of files, for anyone who wants it. */
export type ContentHandler = Required<Pick<TarHandler, 'data' | 'hole' | 'entryEnd'>>

/**
 * Tells `onEntry` of the entries of a layer that somebody else made, and that engines unpack: reads
 * what Go's archive/tar reads, in its way, where `createTarReader` refuses what readers disagree
 * on. Paths are as the archive has them. Directories have no content, whatever size they say;
 * nothing after the end marker counts. Without `content`, content is passed over, and sparse files
 * are files. Throws `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) for what Go does not read either.
 * https://pkg.go.dev/archive/tar
 */
export function createHeaderScanner(
  onEntry: (entry: Entry) => void,
  content?: ContentHandler,
): {
  write(chunk: Uint8Array): void
  /**
   * Throws when the archive is cut off within an entry. Padding may be missing at the end: umoci
   * ends layers with the last byte of a file, and Go reads them.
   */
  end(): void
} {
  const kept = Buffer.alloc(blockSize)
  let filled = 0
  /** The rest of the content, and the padding after it. */
  let left = 0
  let padding = 0
  let meta: {readonly type: string; readonly body: Buffer; filled: number} | undefined
  let pax: Pax = new Map()
  let long: {name?: ByteString; link?: ByteString} = {}
  let place: 'header' | 'sparse map' | 'content' | 'end' = 'header'
  /** Of a sparse file in GNU's old form, while its map is being read. */
  let old: {readonly entry: Entry; readonly stored: number; parts: SparsePart[]} | undefined
  let sparse: ReturnType<typeof createSparseContent> | undefined

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      for (let at = 0; at < bytes.length && place !== 'end';) at += step(bytes, at)
    },
    end() {
      if (place === 'end' || (place === 'header' && filled === 0)) return
      if (place === 'content' && left === 0) return
      throw layerCorrupt('it is cut off')
    },
  }

  /** How many bytes it took. */
  function step(bytes: Buffer, at: number): number {
    if (place === 'content') return left > 0 ? takeContent(bytes, at) : passPadding(bytes, at)
    if (filled === 0 && bytes.length - at >= blockSize) {
      block(bytes, at)
      return blockSize
    }
    const taken = bytes.copy(kept, filled, at)
    filled += taken
    if (filled < blockSize) return taken
    filled = 0
    block(kept, 0)
    return taken
  }

  function block(bytes: Buffer, at: number): void {
    if (place === 'sparse map') moreOfMap(bytes, at)
    else header(bytes, at)
  }

  function takeContent(bytes: Buffer, at: number): number {
    const taken = Math.min(left, bytes.length - at)
    if (meta) meta.filled += bytes.copy(meta.body, meta.filled, at, at + taken)
    else (sparse ?? content)?.data(bytes.subarray(at, at + taken))
    left -= taken
    if (left === 0) endContent()
    return taken
  }

  function passPadding(bytes: Buffer, at: number): number {
    const taken = Math.min(padding, bytes.length - at)
    padding -= taken
    if (padding === 0) place = 'header'
    return taken
  }

  function endContent(): void {
    if (padding === 0) place = 'header'
    if (!meta) {
      sparse?.end()
      sparse = undefined
      content?.entryEnd()
      return
    }
    const {type, body} = meta
    meta = undefined
    if (type === 'x') pax = readRecords(body)
    else if (type === 'L') long.name = textIn(body)
    else if (type === 'K') long.link = textIn(body)
  }

  function header(bytes: Buffer, at: number): void {
    if (isZero(bytes, at)) {
      // Go wants two of them, and what is after one is never a header that an engine sees
      place = 'end'
      return
    }
    if (!hasOwnChecksum(bytes, at)) throw layerCorrupt('a header does not have its own checksum')
    const type = String.fromCharCode(bytes[at + 156] ?? 0)
    const size = numberIn(bytes, at + 124, 12)
    if ('xgLK'.includes(type)) {
      if (size > longestExtendedHeader) throw layerCorrupt('an extended header is too large')
      meta = {type, body: Buffer.alloc(size), filled: 0}
      expectContent(size)
      return
    }
    const stored = Number(textOf('size') ?? size)
    const map = content && type !== 'S' ? sparseFileOf(pax) : undefined
    const entry = entryOf(type, bytes.subarray(at, at + blockSize), map?.size ?? stored)
    pax = new Map()
    long = {}
    if (type === 'S') beginOld(bytes.subarray(at, at + blockSize), entry, stored)
    else begin(entry, headerOnly.includes(type) || entry.kind === 'directory' ? 0 : stored, map)
  }

  /** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
  function beginOld(bytes: Buffer, entry: Entry, stored: number): void {
    const parts = content ? oldParts(bytes, 386, 4) : []
    const isSized = content && entry.kind === 'file'
    old = {entry: isSized ? {...entry, size: number(bytes, 483)} : entry, stored, parts}
    if (bytes[482] === 0) endMap()
    else place = 'sparse map'
  }

  function moreOfMap(bytes: Buffer, at: number): void {
    if (old && content) old.parts.push(...oldParts(bytes, at, 21))
    if (bytes[at + 504] === 0) endMap()
  }

  function endMap(): void {
    if (!old) throw new Error('no map is being read')
    const {entry, stored, parts} = old
    old = undefined
    const size = entry.kind === 'file' ? entry.size : 0
    begin(entry, stored, content && {size, parts, path: undefined})
  }

  function begin(entry: Entry, stored: number, map: SparseFile | undefined): void {
    onEntry(entry)
    if (map && content) sparse = createSparseContent(map, content)
    expectContent(stored)
  }

  function expectContent(size: number): void {
    if (!Number.isSafeInteger(size) || size < 0) throw layerCorrupt('an entry has no valid size')
    left = size
    padding = Math.ceil(size / blockSize) * blockSize - size
    place = 'content'
    if (left === 0) endContent()
  }

  function entryOf(type: string, block: Buffer, size: number): Entry {
    const path = textOf('GNU.sparse.name') ?? textOf('path') ?? long.name ?? nameIn(block)
    const common = {
      path,
      mode: numberIn(block, 100, 8) & 0o7777,
      uid: Number(textOf('uid') ?? numberIn(block, 108, 8)),
      gid: Number(textOf('gid') ?? numberIn(block, 116, 8)),
      mtime: Math.floor(Number(textOf('mtime') ?? numberIn(block, 136, 12))),
      xattrs: xattrsOf(pax),
    }
    const kind = kinds[type] ?? (type === '\0' && path.endsWith('/') ? 'directory' : 'file')
    switch (kind) {
      case 'symlink':
      case 'hardlink':
        return {
          kind,
          ...common,
          target: textOf('linkpath') ?? long.link ?? fieldIn(block, 157, 100),
        }
      case 'character-device':
      case 'block-device':
        return {kind, ...common, major: numberIn(block, 329, 8), minor: numberIn(block, 337, 8)}
      case 'file':
        return {kind, ...common, size}
      default:
        return {kind, ...common}
    }
  }

  /** An empty record takes a record back. */
  function textOf(keyword: string): ByteString | undefined {
    const value = pax.get(keyword)
    return value && value.length > 0 ? Buffer.from(value).toString('latin1') : undefined
  }

  function numberIn(block: Buffer, start: number, length: number): number {
    const first = block[start] ?? 0
    if (first < 0x80) {
      const octal = octalIn(block, start, length)
      if (octal !== undefined) return octal
      const digits = block
        .toString('latin1', start, start + length)
        .replaceAll(/^[ \0]+|[ \0].*$/gs, '')
      const value = digits === '' ? 0 : Number(`0o${digits}`)
      if (!Number.isNaN(value)) return value
      throw layerCorrupt('a header has an invalid number')
    }
    const bits = length * 8 - 1
    const hex = block.toString('hex', start, start + length)
    return Number(BigInt.asIntN(bits, BigInt.asUintN(bits, BigInt(`0x${hex}`))))
  }
}

/** Links, devices, directories and FIFOs have no content, whatever their header says. */
const headerOnly = '123456'

/** Anything else is a file. */
const kinds: Readonly<Record<string, Entry['kind']>> = {
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
}

function nameIn(block: Buffer): ByteString {
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? fieldIn(block, 345, 155) : ''
  return prefix === '' ? fieldIn(block, 0, 100) : `${prefix}/${fieldIn(block, 0, 100)}`
}

function fieldIn(block: Buffer, start: number, length: number): ByteString {
  return textIn(block.subarray(start, start + length))
}

function textIn(bytes: Buffer): ByteString {
  const end = bytes.indexOf(0)
  return bytes.toString('latin1', 0, end === -1 ? bytes.length : end)
}

/** The usual form, digits and then what ends them; `undefined` for any other. */
function octalIn(block: Buffer, start: number, length: number): number | undefined {
  let value = 0
  for (let at = start; at < start + length; at++) {
    const digit = (block[at] ?? 0) - 0x30
    if (digit >= 0 && digit < 8) value = value * 8 + digit
    else return at > start && (digit === -0x30 || digit === -0x10) ? value : undefined
  }
  return value
}

/** Of unsigned bytes, or of signed ones as some old archivers added them up. */
function hasOwnChecksum(block: Buffer, start: number): boolean {
  let [unsigned, high] = [8 * 0x20, 0]
  for (let at = start; at < start + blockSize; at++) {
    if (at === start + 148) at += 8
    const byte = block[at] ?? 0
    unsigned += byte
    if (byte > 127) high++
  }
  const text = block.toString('latin1', start + 148, start + 156)
  const said = Number.parseInt(text.trim(), 8)
  return said === unsigned || said === unsigned - 256 * high
}
