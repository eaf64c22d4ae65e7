import {LimitError} from '../../errors.js'
import {blockSize, decodeHeader, isZero, type TarHeader} from './decode-header.js'
import {describeEntry, type Extensions} from './describe-entry.js'
import {createGlobals} from './global-headers.js'
import {layerCorrupt} from '../corrupt.js'
import {longText} from './long-text.js'
import {parsePaxRecords} from './pax-records.js'
import {checkEntryCount, longestExtendedHeader} from '../limits.js'
import {createSparseContent} from './sparse-content.js'
import {
  checkParts,
  checkSparseBytes,
  number,
  oldParts,
  type SparseFile,
  sparseFileOf,
  type SparsePart,
} from './sparse-map.js'
import type {TarHandler} from './tar-handler.js'

export interface TarReader {
  /** Any number of bytes. */
  write(chunk: Uint8Array): void
  /**
   * Passes over content that nobody wants to see, at most `most` bytes of it; tells how many of the
   * next bytes need not be written.
   */
  skip(most: number): number
  /** Whether the end marker has been read, so that only zeros may follow. */
  isEnded(): boolean
  /** Throws unless the archive is complete. */
  end(): void
}

/**
 * Reads v7, ustar, GNU and PAX archives, synchronously: whatever a chunk completes has been told
 * when `write` returns. Where readers disagree on what an archive holds, it is refused
 * (`IntegrityError`), so that nobody sees other files than we do: entries other than files with
 * content, headers that extend each other twice, bytes after an extended header's own, bytes after
 * the end marker or none. Entries of unknown kinds are a `PreconditionError`, and so are sparse
 * files where the handler knows no holes; more than `limits` allow a `LimitError`. No bytes at all
 * are an archive without entries, as for GNU tar and umoci.
 */
export function createTarReader(
  handler: TarHandler,
  limits: {
    readonly entries: number
    readonly mayLackMarker?: boolean
    /** Bytes that sparse files may come to. */
    readonly sparseBytes?: number
  },
): TarReader {
  const block = Buffer.alloc(blockSize)
  let filled = 0
  let entries = 0
  const globals = createGlobals()
  let extensions: Extensions = {}
  let left = 0
  let padding = 0
  /** Bytes of the archive before what is being looked at. */
  let position = 0
  let isMetaPadding = false
  let meta: {readonly type: string; readonly body: Buffer} | undefined
  let place: 'start' | 'header' | 'map' | 'data' | 'meta' | 'padding' | 'lone zeros' | 'end' =
    'start'
  /** Of GNU's old format, while its map is being read. */
  let old: {readonly found: TarHeader; readonly size: number; parts: SparsePart[]} | undefined
  let content: ReturnType<typeof createSparseContent> | undefined
  let sparseBytes = 0

  return {
    write(chunk) {
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      const start = position
      for (let at = 0; at < bytes.length; position = start + at) at = step(bytes, at)
    },
    skip(most) {
      if (place === 'data') {
        const skipped = Math.min(left, most)
        left -= skipped
        position += skipped
        if (left === 0) endEntry()
        return skipped
      }
      if (place !== 'padding' || isMetaPadding) return 0
      const skipped = Math.min(padding, most)
      padding -= skipped
      position += skipped
      if (padding === 0) place = 'header'
      return skipped
    },
    isEnded: () => place === 'end',
    end() {
      if (place === 'end' || (place === 'start' && filled === 0)) return
      // GNU tar says so, and takes it all the same: anyone who only reads what an engine has
      // unpacked need not be stricter
      const isWhole = filled === 0 && (place === 'header' || place === 'lone zeros')
      if (isWhole && limits.mayLackMarker === true) return
      throw layerCorrupt(
        place === 'data' || place === 'meta' || place === 'map'
          ? 'an entry is cut off'
          : 'the archive has no end marker',
      )
    },
  }

  /** Takes what it can from `at` on, and says where the rest starts. */
  function step(bytes: Buffer, at: number): number {
    switch (place) {
      case 'data':
        return takeData(bytes, at)
      case 'meta':
        return takeMeta(bytes, at)
      case 'padding':
        return takePadding(bytes, at)
      case 'end':
        if (!isZero(bytes, at, bytes.length)) {
          throw layerCorrupt('something follows the end of the archive')
        }
        return bytes.length
      default:
        return takeHeader(bytes, at)
    }
  }

  function takeHeader(bytes: Buffer, at: number): number {
    if (filled === 0 && bytes.length - at >= blockSize && place !== 'map') {
      header(decodeHeader(bytes, at), bytes, at)
      return at + blockSize
    }
    const taken = bytes.copy(block, filled, at)
    filled += taken
    if (filled === blockSize) {
      filled = 0
      position += taken - blockSize
      if (place === 'map') takeMap()
      else header(decodeHeader(block, 0), block, 0)
    }
    return at + taken
  }

  function header(found: TarHeader | undefined, bytes: Buffer, at: number): void {
    if (found === undefined) {
      if (extensions.type !== undefined) throw layerCorrupt('an extended header has no entry')
      place = place === 'lone zeros' ? 'end' : 'lone zeros'
      return
    }
    if (place === 'lone zeros') throw layerCorrupt('an entry follows a block of zeros')
    handler.header?.(found, bytes, at)
    if ('xgLK'.includes(found.type)) expectMeta(found)
    else if (found.type === 'S' && handler.hole) beginOld(found, bytes, at)
    else beginEntry(found, handler.hole && sparseFileOf(extensions.pax))
  }

  /** https://www.gnu.org/software/tar/manual/html_node/Standard.html */
  function beginOld(found: TarHeader, bytes: Buffer, at: number): void {
    old = {found, size: number(bytes, at + 483), parts: oldParts(bytes, at + 386, 4)}
    if (bytes[at + 482] !== 0) place = 'map'
    else endMap(old)
  }

  function takeMap(): void {
    if (old === undefined) throw new Error('no map is being read')
    old.parts = [...checkParts([...old.parts, ...oldParts(block, 0, 21)], old.size)]
    if (block[504] === 0) endMap(old)
  }

  function endMap({found, size, parts}: NonNullable<typeof old>): void {
    old = undefined
    beginEntry(found, {size, path: undefined, parts: checkParts(parts, size)})
  }

  function beginEntry(found: TarHeader, sparse?: SparseFile): void {
    count()
    const {entry, stored} = describeEntry(found, extensions, globals, sparse)
    extensions = {}
    sparseBytes += sparse?.size ?? 0
    checkSparseBytes(sparseBytes, limits.sparseBytes)
    handler.entry(entry, position + blockSize)
    content =
      sparse &&
      createSparseContent(sparse, {
        data: (bytes) => handler.data(bytes),
        hole: (zeros) => handler.hole?.(zeros),
      })
    expect('data', stored)
    if (left === 0) endEntry()
  }

  function endEntry(): void {
    content?.end()
    content = undefined
    handler.entryEnd()
    isMetaPadding = false
    place = padding > 0 ? 'padding' : 'header'
  }

  function takeData(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + left)
    left -= end - at
    ;(content ?? handler).data(bytes.subarray(at, end))
    if (left === 0) endEntry()
    return end
  }

  /**
   * `x` and `g` (PAX), `L` and `K` (GNU) say something about the entry after them. Their own size
   * is always the header's.
   */
  function expectMeta({type, size}: TarHeader): void {
    const repeats =
      (type === 'x' && extensions.pax) ||
      (type === 'L' && extensions.longName !== undefined) ||
      (type === 'K' && extensions.longLink !== undefined) ||
      (type === 'g' && extensions.type !== undefined)
    if (repeats) throw layerCorrupt('an extended header follows another one of its kind')
    if (size > longestExtendedHeader) {
      throw new LimitError(
        'ERR_INJECT_EXTENDED_HEADER_TOO_LARGE',
        `the layer has an extended header of ${size} bytes`,
        {expected: longestExtendedHeader, found: size},
      )
    }
    if (type === 'g') count()
    meta = {type, body: Buffer.alloc(size)}
    expect('meta', size)
    if (left === 0) endMeta()
  }

  function takeMeta(bytes: Buffer, at: number): number {
    if (meta === undefined) throw new Error('no extended header is being read')
    const end = Math.min(bytes.length, at + left)
    bytes.copy(meta.body, meta.body.length - left, at, end)
    left -= end - at
    if (left === 0) endMeta()
    return end
  }

  function endMeta(): void {
    if (meta === undefined) throw new Error('no extended header is being read')
    const {type, body} = meta
    handler.extension?.(body)
    if (type === 'g') globals.take(parsePaxRecords(body))
    else if (type === 'x') extensions = {...extensions, type, pax: parsePaxRecords(body)}
    else if (type === 'L') extensions = {...extensions, type, longName: longText(body)}
    else extensions = {...extensions, type, longLink: longText(body)}
    meta = undefined
    isMetaPadding = true
    place = padding > 0 ? 'padding' : 'header'
  }

  function takePadding(bytes: Buffer, at: number): number {
    const taken = Math.min(padding, bytes.length - at)
    // readers that go on to a NUL, or by blocks, would find more of a name or another record there
    if (isMetaPadding && !isZero(bytes, at, at + taken)) {
      throw layerCorrupt('something follows an extended header in its last block')
    }
    if (!isMetaPadding && handler.oddPadding && !isZero(bytes, at, at + taken)) handler.oddPadding()
    padding -= taken
    if (padding === 0) place = 'header'
    return at + taken
  }

  function expect(what: 'data' | 'meta', size: number): void {
    place = what
    left = size
    padding = size % blockSize === 0 ? 0 : blockSize - (size % blockSize)
  }

  function count(): void {
    checkEntryCount(++entries, limits.entries)
  }
}
