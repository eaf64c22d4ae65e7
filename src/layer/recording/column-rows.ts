import type {ByteString} from '../byte-string.js'
import type {FileState} from '../tree/file-state.js'
import {type PackedRows, type RowCursor, RowReader, RowWriter} from './rows/packed-rows.js'
import type {RowLayers} from './row-layers.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {
  createColumns,
  fact,
  factsPerRow,
  inBytes,
  pushState,
  putState,
  rowsOf,
  sizesPerRow,
  stateAt,
  type WalkColumns,
} from './walk-columns.js'

/** Facts that rows have under the same names, in the order of columns. */
const sameNames = ['mode', 'uid', 'gid', 'names', 'group'] as const

/** Goes from row to row of columns. */
export class ColumnCursor implements RowCursor {
  kind = 0
  isBytes = false
  readonly numbers = new RowNumbers()
  private row = -1
  private textAt = 0
  private pathEnd = 0
  private textEnd = 0
  private readonly columns: WalkColumns

  constructor(columns: WalkColumns) {
    this.columns = columns
  }

  next(): boolean {
    const {columns, numbers} = this
    if (++this.row >= rowsOf(columns)) return false
    const {facts, sizes} = columns
    const at = this.row * factsPerRow
    this.kind = facts.at(at) % inBytes
    this.isBytes = facts.at(at) >= inBytes
    this.textAt = this.textEnd
    this.pathEnd = this.textAt + facts.at(at + fact.pathLength)
    this.textEnd = this.pathEnd + facts.at(at + fact.targetLength)
    numbers.putState(stateAt(columns.states, this.row + 1))
    for (const name of sameNames) numbers.put(number[name], facts.at(at + fact[name]))
    numbers.put(number.mtime, sizes.at(this.row * sizesPerRow))
    numbers.put(number.content, sizes.at(this.row * sizesPerRow + 1))
    return true
  }

  path(from = 0): ByteString {
    return this.columns.text.slice(this.textAt + from, this.pathEnd)
  }

  target(): ByteString {
    return this.columns.text.slice(this.pathEnd, this.textEnd)
  }
}

/** Gives a row other numbers. */
export function putNumbers(columns: WalkColumns, row: number, numbers: RowNumbers): void {
  const at = row * factsPerRow
  for (const name of sameNames) columns.facts.put(at + fact[name], numbers.at(number[name]))
  columns.sizes.put(row * sizesPerRow, numbers.at(number.mtime))
  columns.sizes.put(row * sizesPerRow + 1, numbers.at(number.content))
  putState(columns.states, row + 1, numbers.state())
}

/** The rows, without the state of the directory itself. */
export function packColumns(columns: WalkColumns): PackedRows {
  const writer = new RowWriter()
  const rows = new ColumnCursor(columns)
  while (rows.next()) {
    const {kind, isBytes, numbers} = rows
    writer.push({kind, isBytes, path: rows.path(), target: rows.target()}, numbers)
  }
  return writer.rows()
}

/** Columns of the rows, in which the directory itself has the state `root`. */
export function unpackColumns({
  rows,
  root,
  layers,
}: {
  readonly rows: PackedRows
  readonly root: FileState
  readonly layers?: RowLayers | undefined
}): WalkColumns {
  const columns = createColumns({layers})
  const {facts, sizes, states, text} = columns
  const reader = new RowReader(rows)
  pushState(states, root)
  while (reader.next()) {
    const {kind, isBytes, numbers} = reader
    const [path, target] = [reader.path(), reader.target()]
    facts.push(kind + (isBytes ? inBytes : 0))
    facts.push(path.length)
    facts.push(target.length)
    for (const name of sameNames) facts.push(numbers.at(number[name]))
    sizes.push(numbers.at(number.mtime))
    sizes.push(numbers.at(number.content))
    text.add(path)
    text.add(target)
    pushState(states, numbers.state())
  }
  return columns
}
