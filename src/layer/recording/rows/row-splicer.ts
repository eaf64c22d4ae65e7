import type {ByteString} from '../../byte-string.js'
import {type PackedRows, type RowCursor, RowReader, RowWriter} from './packed-rows.js'
import type {RowNumbers} from './row-numbers.js'

/** Goes from row to row and gives some of them other numbers; the others are not copied. */
export class RowSplicer implements RowCursor {
  /** Of the row as it was. */
  readonly numbers: RowNumbers
  private readonly reader: RowReader
  private readonly before: PackedRows
  private readonly writer = new RowWriter()
  private readonly pieces: Buffer[] = []
  private pieceAt = 0
  /** Where what is not in `pieces` yet begins in its piece. */
  private from = 0
  /** The row that the reader is at is in `pieces` already. */
  private isWritten = false
  private isReplaced = false

  constructor(rows: PackedRows) {
    this.before = rows
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
    if (!this.reader.next()) return false
    const {reader} = this
    this.turnTo(reader.pieceAt)
    this.isWritten = false
    // it differs from a row that is another one now
    if (this.isReplaced) this.write(reader.numbers)
    this.isReplaced = false
    return true
  }

  /** Gives the row that the reader is at other numbers. */
  replace(numbers: RowNumbers): void {
    this.write(numbers)
    this.isReplaced = true
  }

  /** All rows, with the new numbers; once all of them were passed. */
  rows(): PackedRows {
    this.turnTo(this.before.pieces.length)
    return {pieces: this.pieces, count: this.before.count}
  }

  private write(numbers: RowNumbers): void {
    const {reader} = this
    if (this.isWritten) this.pieces.pop()
    else this.take(reader.start)
    const text = {path: reader.path(), target: reader.target()}
    const {kind, isBytes} = reader
    this.pieces.push(this.writer.push({kind, isBytes, ...text}, numbers, true))
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
    if (piece && piece.length > 0) this.pieces.push(piece)
  }
}
