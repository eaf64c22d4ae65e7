import type {ByteString} from '../../byte-string.js'
import {type PackedRows, type RowCursor, RowReader, RowWriter} from './packed-rows.js'
import type {RowNumbers} from './row-numbers.js'

/**
 * Goes from row to row and gives some of them other numbers; the others are not copied. What the
 * next run is to get may have other numbers than what this one uses.
 */
export class RowSplicer implements RowCursor {
  /** Of the row as it was. */
  readonly numbers: RowNumbers
  private readonly reader: RowReader
  private readonly before: PackedRows
  private readonly own = new Splice()
  private readonly kept: Splice | undefined
  private pieceAt = 0
  /** Where what is not in the splices yet begins in its piece. */
  private from = 0
  /** Of the row that the reader is at: it is in the splices already, with other numbers or not. */
  private isWritten = false
  private isReplaced = false
  /** The same of the row before it. */
  private isAfterWritten = false
  private isAfterReplaced = false

  /** With `areKept` the next run gets rows, too. */
  constructor(rows: PackedRows, {areKept = false} = {}) {
    this.before = rows
    if (areKept) this.kept = new Splice()
    this.reader = new RowReader(rows)
    this.numbers = this.reader.numbers
  }

  get kind(): number {
    return this.reader.kind
  }

  get isBytes(): boolean {
    return this.reader.isBytes
  }

  path(from?: number): ByteString {
    return this.reader.path(from)
  }

  target(): ByteString {
    return this.reader.target()
  }

  next(): boolean {
    const {reader} = this
    // it differs from a row that is another one now
    if (this.isAfterReplaced && !this.isWritten) this.write(reader.numbers, reader.numbers)
    if (!reader.next()) return false
    this.turnTo(reader.pieceAt)
    this.isAfterWritten = this.isWritten
    this.isAfterReplaced = this.isReplaced
    this.isWritten = this.isReplaced = false
    return true
  }

  /** Gives the row that the reader is at other numbers; once for each row. */
  replace(numbers: RowNumbers, kept = numbers): void {
    this.write(numbers, kept)
    this.isReplaced = true
  }

  /** All rows, with the new numbers; once all of them were passed. */
  rows(): PackedRows {
    return this.rowsOf(this.own)
  }

  /** The same for the next run; `undefined` if it gets none. */
  keptRows(): PackedRows | undefined {
    return this.kept && this.rowsOf(this.kept)
  }

  private rowsOf({pieces}: Splice): PackedRows {
    this.turnTo(this.before.pieces.length)
    return {pieces, count: this.before.count}
  }

  private write(numbers: RowNumbers, kept: RowNumbers): void {
    const {reader} = this
    this.take(reader.start)
    const {kind, isBytes} = reader
    const row = {kind, isBytes, path: reader.path(), target: reader.target()}
    this.own.add(this.own.writer.push(row, numbers, !this.isAfterWritten))
    this.kept?.add(this.kept.writer.push(row, kept, !this.isAfterWritten))
    this.isWritten = true
    this.from = reader.end
  }

  /** Takes what comes before a piece. */
  private turnTo(pieceAt: number): void {
    for (; this.pieceAt < pieceAt; this.pieceAt++) {
      this.take(Infinity)
      this.from = 0
    }
  }

  private take(to: number): void {
    const piece = this.before.pieces[this.pieceAt]?.subarray(this.from, to)
    if (!piece || piece.length === 0) return
    this.own.pieces.push(piece)
    this.kept?.pieces.push(piece)
  }
}

/** Rows that stay, and between them those that are written. */
class Splice {
  readonly pieces: Buffer[] = []
  readonly writer = new RowWriter()

  /** Rows that the writer has put side by side are one piece: there may be as many as files. */
  add(row: Buffer): void {
    const last = this.pieces.at(-1)
    const isNext = last?.buffer === row.buffer && last.byteOffset + last.length === row.byteOffset
    if (isNext) {
      const length = last.length + row.length
      this.pieces[this.pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, length)
    } else this.pieces.push(row)
  }
}
