import {LimitError} from '../../errors.js'
import type {ByteString} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'
import type {Pax} from './pax-values.js'

/** A part of a file that is stored; all between the parts is zeros. */
export interface SparsePart {
  readonly offset: number
  readonly length: number
}

/** A file that is stored without its holes. */
export interface SparseFile {
  /** Of the whole file. */
  readonly size: number
  /** Its path where its header has another one. */
  readonly path: ByteString | undefined
  /** `undefined`: the map is the first thing in the content (PAX, version 1.0). */
  readonly parts: readonly SparsePart[] | undefined
}

/** Parts of one file, at most: a map is kept in memory. */
const mostParts = 100_000

/**
 * What PAX records say of a sparse file, by GNU's versions 0.0, 0.1 and 1.0; `undefined` if they
 * say nothing. Throws `IntegrityError` for invalid maps.
 * https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html
 */
export function sparseFileOf(pax: Pax | undefined): SparseFile | undefined {
  const text = (keyword: string): string | undefined => {
    const value = pax?.get(keyword)
    return value && Buffer.from(value).toString('latin1')
  }
  const path = text('GNU.sparse.name')
  const major = text('GNU.sparse.major')
  const map = text('GNU.sparse.map')
  const realSize = text('GNU.sparse.realsize') ?? text('GNU.sparse.size')
  if (major === undefined && map === undefined && realSize === undefined) return undefined
  const size = whole(realSize)
  if (major === undefined || major === '0') {
    return {size, path, parts: checkParts(pairs(map === undefined ? [] : map.split(',')), size)}
  }
  if (major !== '1' || text('GNU.sparse.minor') !== '0') throw bad('is of an unknown version')
  return {size, path, parts: undefined}
}

/** The parts in a header of GNU's old format at `at`, up to the first that is not used. */
export function oldParts(block: Buffer, at: number, most: number): SparsePart[] {
  const found: SparsePart[] = []
  for (let n = 0; n < most; n++) {
    const start = at + 24 * n
    if ((block[start] ?? 0) === 0) break
    found.push({offset: number(block, start), length: number(block, start + 12)})
  }
  return found
}

/** A size in a header of GNU's old format: octal, or in base 256. */
export function number(block: Buffer, start: number): number {
  if ((block[start] ?? 0) >= 0x80) {
    const bytes = Buffer.from(block.subarray(start, start + 12))
    bytes[0] = (bytes[0] ?? 0) & 0x7f
    return whole(BigInt(`0x${bytes.toString('hex')}`).toString())
  }
  const digits = /^ *([0-7]+)[ \0]*$/.exec(block.toString('latin1', start, start + 12))?.[1]
  if (digits === undefined) throw bad('has something else than a number')
  return Number.parseInt(digits, 8)
}

/**
 * The map at the start of a content, as far as it has come: how many bytes it takes, in blocks of
 * 512, and its parts; `undefined` while it is not whole.
 */
export function mapInContent(
  content: Buffer,
  size: number,
): {readonly length: number; readonly parts: readonly SparsePart[]} | undefined {
  const lines = content.toString('latin1').split('\n')
  if (lines.length < 2) return undefined
  const count = whole(lines[0])
  if (count > mostParts) throw tooMany()
  if (lines.length < 2 * count + 2) return undefined
  const numbers = lines.slice(1, 2 * count + 1)
  const bytes = lines.slice(0, 2 * count + 1).join('\n').length + 1
  const length = Math.ceil(bytes / 512) * 512
  if (content.length < length) return undefined
  return {length, parts: checkParts(pairs(numbers), size)}
}

/** Ascending, without overlaps, inside the file. */
export function checkParts(parts: readonly SparsePart[], size: number): readonly SparsePart[] {
  if (parts.length > mostParts) throw tooMany()
  let end = 0
  for (const {offset, length} of parts) {
    if (offset < end || offset + length > size) throw bad('leads outside the file, or back')
    end = offset + length
  }
  return parts
}

/** Throws `LimitError` where the sparse files of a layer come to more than that. */
export function checkSparseBytes(found: number, most = Infinity): void {
  if (found <= most) return
  throw new LimitError(
    'ERR_INJECT_LAYER_TOO_LARGE',
    `the layer has sparse files of more than ${most} bytes`,
    {expected: most, found},
  )
}

function pairs(numbers: readonly string[]): SparsePart[] {
  if (numbers.length % 2 !== 0) throw bad('has half of a part')
  const parts: SparsePart[] = []
  for (let at = 0; at < numbers.length; at += 2)
    parts.push({offset: whole(numbers[at]), length: whole(numbers[at + 1])})
  return parts
}

function whole(text: string | undefined): number {
  const value = Number(text)
  if (text === undefined || !/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw bad('has something else than a number')
  return value
}

function bad(how: string) {
  return layerCorrupt(`the map of a sparse file ${how}`)
}

function tooMany(): LimitError {
  return new LimitError(
    'ERR_INJECT_EXTENDED_HEADER_TOO_LARGE',
    `the layer has a sparse file of more than ${mostParts} parts`,
    {expected: mostParts},
  )
}
