import type {ByteString} from '../../byte-string.js'
import {number, RowNumbers, wordsPerRow} from './row-numbers.js'

/**
 * The rows of a walk in some forty bytes each. A row says how it differs from the one before it:
 *
 * - a byte of kind and flags;
 * - 32 bits that say which words of its numbers differ, and the differences;
 * - how much of the path is that of the row before, and the rest of it; the same of the target.
 *
 * Numbers of varying length have seven bits a byte, the lowest first; signs are in the lowest bit.
 * The bytes of a row are in one piece.
 */
export interface PackedRows {
  readonly pieces: readonly Buffer[]
  readonly count: number
}

/** What a row has besides numbers. */
export interface RowText {
  /** See `kinds`. */
  readonly kind: number
  /** The kernel is told of it in bytes. */
  readonly isBytes: boolean
  readonly path: ByteString
  /** Empty for what has none; a walk's hard links have none, but the first of their group. */
  readonly target: ByteString
  /** All of its name is in the bytes of the row, and not in part in those of the row before. */
  readonly hasOwnName?: boolean
}

/** Goes from row to row. */
export interface RowCursor {
  readonly kind: number
  readonly isBytes: boolean
  /** Of the row that it is at. */
  readonly numbers: RowNumbers
  /** `false` after the last row. */
  next(): boolean
  /** From that byte on. */
  path(from?: number): ByteString
  target(): ByteString
}

const kindBits = 0b111
const bytesFlag = 0b1000
/** Differs from a row of nothing, instead of the one before it. */
const wholeFlag = 0b1_0000
/** The content of a file is as large as its state says. */
const [contentWord, sizeWord] = [2 * number.content, 2 * number.size]
/** Bytes of a row without its texts. */
const mostRowBytes = 5 + 5 * (wordsPerRow + 4)
const pieceBytes = 256 * 1024

function allocatePiece(least: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(pieceBytes, least))
}

/** Packs rows, one after the other. */
export class RowWriter {
  private readonly pieces: Buffer[] = []
  private piece: Buffer = Buffer.alloc(0)
  private at = 0
  private filled = 0
  private count = 0
  private readonly last = new Int32Array(wordsPerRow)
  private lastPath = ''
  private lastTarget = ''
  private readonly take: (least: number) => Buffer

  /** `take`: gives memory of at least so many bytes; default: garbage some time. */
  constructor(take: (least: number) => Buffer = allocatePiece) {
    this.take = take
  }

  /** Of memory. */
  get bytes(): number {
    return this.filled + this.piece.length
  }

  /** Returns the bytes of the row; those of a whole one do not depend on the row before it. */
  push(row: RowText, {words}: RowNumbers, isWhole = false): Buffer {
    const {kind, isBytes, path, target} = row
    const {last} = this
    const most = mostRowBytes + path.length + target.length
    if (this.at + most > this.piece.length) this.begin(most)
    if (isWhole) this.forget()
    const start = this.at
    const {piece} = this
    piece[start] = kind + (isBytes ? bytesFlag : 0) + (isWhole ? wholeFlag : 0)
    this.at = start + 5
    let changes = 0
    for (let word = 0; word < wordsPerRow; word++) {
      const isContent = word === contentWord || word === contentWord + 1
      const before = isContent ? words[word - contentWord + sizeWord] : last[word]
      const own = words[word] ?? 0
      if (own !== before) {
        changes |= 1 << word
        const difference = (own - (before ?? 0)) | 0
        this.varint(((difference << 1) ^ (difference >> 31)) >>> 0)
      }
      last[word] = own
    }
    piece.writeInt32LE(changes, start + 1)
    const mostSame = row.hasOwnName === true ? path.lastIndexOf('/') + 1 : path.length
    this.text(path, this.lastPath, mostSame)
    this.text(target, this.lastTarget, target.length)
    this.lastPath = path
    if (target !== '') this.lastTarget = target
    this.count++
    return piece.subarray(start, this.at)
  }

  /** All rows until now. */
  rows(): PackedRows {
    return {pieces: [...this.pieces, this.piece.subarray(0, this.at)], count: this.count}
  }

  private forget(): void {
    this.last.fill(0)
    this.lastPath = ''
    this.lastTarget = ''
  }

  private begin(least: number): void {
    if (this.at > 0) this.pieces.push(this.piece.subarray(0, this.at))
    this.filled += this.piece.length
    this.piece = this.take(least)
    this.at = 0
  }

  private varint(value: number): void {
    let rest = value
    for (; rest >= 0x80; rest >>>= 7) this.piece[this.at++] = (rest & 0x7f) | 0x80
    this.piece[this.at++] = rest
  }

  private text(text: ByteString, before: ByteString, mostSame: number): void {
    const most = Math.min(mostSame, before.length)
    let same = 0
    while (same < most && text.charCodeAt(same) === before.charCodeAt(same)) same++
    this.varint(same)
    this.varint(text.length - same)
    if (text.length > same) this.at += this.piece.write(text.slice(same), this.at, 'latin1')
  }
}

/** Reads rows, one after the other, without an object for each. */
export class RowReader implements RowCursor {
  kind = 0
  isBytes = false
  readonly numbers = new RowNumbers()
  /** Where the row that it is at is. */
  pieceAt = 0
  start = 0
  end = 0
  private piece: Buffer
  private readonly pieces: readonly Buffer[]
  private readonly pathText: SharedText
  private readonly targetText: SharedText
  private hasTarget = false
  /** Where the bytes of the row's path end in the piece, and how many they are. */
  private pathEnd = 0
  private pathRest = 0

  /**
   * Rows that come from another thread have arrays of bytes in place of Node's buffers. Without
   * `hasTexts` paths and targets are passed over, which is faster.
   */
  constructor(
    {pieces}: {readonly pieces: readonly Uint8Array[]},
    {hasTexts = true}: {readonly hasTexts?: boolean} = {},
  ) {
    this.pathText = new SharedText(hasTexts)
    this.targetText = new SharedText(hasTexts)
    this.pieces = pieces.map(asBuffer)
    this.piece = this.pieces[0] ?? Buffer.alloc(0)
  }

  next(): boolean {
    while (this.end >= this.piece.length) {
      const piece = this.pieces[this.pieceAt + 1]
      if (!piece) return false
      this.pieceAt++
      this.piece = piece
      this.end = 0
    }
    const {piece} = this
    this.start = this.end
    const flags = piece[this.start] ?? 0
    this.kind = flags & kindBits
    this.isBytes = (flags & bytesFlag) !== 0
    if ((flags & wholeFlag) !== 0) this.forget()
    this.end = this.start + 5
    this.readNumbers(piece.readInt32LE(this.start + 1))
    this.pathText.length = this.varint()
    this.pathRest = this.varint()
    this.pathEnd = this.end = this.pathText.read(this.pathRest, piece, this.end)
    const same = this.varint()
    const rest = this.varint()
    this.hasTarget = same + rest > 0
    if (!this.hasTarget) return true
    this.targetText.length = same
    this.end = this.targetText.read(rest, piece, this.end)
    return true
  }

  path(from = 0): ByteString {
    return this.pathText.from(from)
  }

  /** Where the last `length` bytes of the path end in the piece, if they are in this row. */
  pathEndAt(length: number): number | undefined {
    return length <= this.pathRest ? this.pathEnd : undefined
  }

  /** The whole path, in memory that is used again. */
  pathBytes(): Buffer {
    return this.pathText.bytes()
  }

  target(): ByteString {
    return this.hasTarget ? this.targetText.from(0) : ''
  }

  private readNumbers(changes: number): void {
    const {words} = this.numbers
    const later = -1 << contentWord
    this.addTo(words, changes & ~later)
    words[contentWord] = words[sizeWord] ?? 0
    words[contentWord + 1] = words[sizeWord + 1] ?? 0
    this.addTo(words, changes & later)
  }

  private addTo(words: Int32Array, changes: number): void {
    for (let rest = changes; rest !== 0; rest &= rest - 1) {
      const word = 31 - Math.clz32(rest & -rest)
      const value = this.varint()
      words[word] = (words[word] ?? 0) + ((value >>> 1) ^ -(value & 1))
    }
  }

  private varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.piece[this.end++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }

  private forget(): void {
    this.numbers.words.fill(0)
    this.pathText.length = 0
    this.targetText.length = 0
  }
}

/** The same memory. */
export function asBuffer({buffer, byteOffset, length}: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length)
}

/** A text that begins as the one before it. */
class SharedText {
  length = 0
  private memory = Buffer.allocUnsafeSlow(4096)
  private readonly isRead: boolean

  constructor(isRead: boolean) {
    this.isRead = isRead
  }

  /** Reads what comes after the first `length` bytes; returns where that ends in `piece`. */
  read(count: number, piece: Buffer, start: number): number {
    if (!this.isRead) return start + count
    const same = this.length
    this.length += count
    if (this.length > this.memory.length) this.grow()
    const {memory} = this
    for (let at = 0; at < count; at++) memory[same + at] = piece[start + at] ?? 0
    return start + count
  }

  from(from: number): ByteString {
    return this.memory.toString('latin1', from, this.length)
  }

  bytes(): Buffer {
    return this.memory.subarray(0, this.length)
  }

  private grow(): void {
    const larger = Buffer.allocUnsafeSlow(2 * this.length)
    this.memory.copy(larger)
    this.memory = larger
  }
}
