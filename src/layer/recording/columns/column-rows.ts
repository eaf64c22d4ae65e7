import type {ByteString} from '../../byte-string.js'
import type {FileState} from '../../tree/file-state.js'
import {type PackedRows, type RowCursor, RowReader, RowWriter} from '../rows/packed-rows.js'
import type {RowLayers} from './row-layers.js'
import {createTextColumn} from '../rows/text-column.js'
import {number, RowNumbers} from '../rows/row-numbers.js'
import {
  createColumns,
  fact,
  factsPerRow,
  inBytes,
  memoryOf,
  putState,
  rowsOf,
  sizesPerRow,
  statesPerRow,
  stateWordsPerRow,
  type WalkColumns,
} from './walk-columns.js'

/** Facts that rows have under the same names, in the order of columns. */
const sameNames = ['mode', 'uid', 'gid', 'names', 'group'] as const
const sameNumbers = sameNames.map((name) => ({from: fact[name], to: number[name]}))

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
  private readonly memory: ReturnType<typeof memoryOf>

  /** The columns must not grow meanwhile. */
  constructor(columns: WalkColumns) {
    this.columns = columns
    this.memory = memoryOf(columns)
  }

  next(): boolean {
    const {numbers} = this
    const {facts, sizes, stateWords} = this.memory
    if (++this.row >= rowsOf(this.columns)) return false
    const at = this.row * factsPerRow
    const kind = facts[at] ?? 0
    this.kind = kind % inBytes
    this.isBytes = kind >= inBytes
    this.textAt = this.textEnd
    this.pathEnd = this.textAt + (facts[at + fact.pathLength] ?? 0)
    this.textEnd = this.pathEnd + (facts[at + fact.targetLength] ?? 0)
    numbers.takeState(stateWords, (this.row + 1) * stateWordsPerRow)
    for (const {from, to} of sameNumbers) numbers.put(to, facts[at + from] ?? 0)
    numbers.put(number.mtime, sizes[this.row * sizesPerRow] ?? 0)
    numbers.put(number.content, sizes[this.row * sizesPerRow + 1] ?? 0)
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
  for (const {from, to} of sameNumbers) columns.facts.put(at + from, numbers.at(to))
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
  // a row takes some bytes, whatever number of them the file says
  const most = rows.pieces.reduce((bytes, {length}) => bytes + length, 0)
  const room = Math.min(rows.count, most)
  const facts = new Uint32Array(room * factsPerRow)
  const sizes = new Float64Array(room * sizesPerRow)
  const states = new BigInt64Array((room + 1) * statesPerRow)
  const stateWords = new Int32Array(states.buffer)
  const text = createTextColumn()
  const reader = new RowReader(rows)
  const {numbers} = reader
  let row = 0
  for (; row < room && reader.next(); row++) {
    const at = row * factsPerRow
    const before = text.length
    text.append(reader.pathBytes())
    const pathEnd = text.length
    text.add(reader.target())
    facts[at] = reader.kind + (reader.isBytes ? inBytes : 0)
    facts[at + fact.pathLength] = pathEnd - before
    facts[at + fact.targetLength] = text.length - pathEnd
    for (const {from, to} of sameNumbers) facts[at + from] = numbers.at(to)
    sizes[row * sizesPerRow] = numbers.at(number.mtime)
    sizes[row * sizesPerRow + 1] = numbers.at(number.content)
    numbers.giveState(stateWords, (row + 1) * stateWordsPerRow)
  }
  const columns = createColumns({
    facts: facts.subarray(0, row * factsPerRow),
    sizes: sizes.subarray(0, row * sizesPerRow),
    states: states.subarray(0, (row + 1) * statesPerRow),
    text: text.filled,
    layers,
  })
  putState(columns.states, 0, root)
  return columns
}
