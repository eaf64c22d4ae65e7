import type {ByteString} from '../../byte-string.js'
import {compareInWalk, type PathBytes} from '../rows/path-order.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  memoryOf,
  rowsOf,
  type WalkColumns,
} from './walk-columns.js'

/** Where a row is, and what it is of. */
export interface RowAt extends PathBytes {
  readonly columns: WalkColumns
  readonly row: number
  readonly kind: (typeof kinds)[number]
  readonly path: ByteString
  readonly target: ByteString
}

/** A row of one of the layers of a directory. */
export interface LayerRow extends RowAt {
  /** The place of its layer, counted from 0. */
  readonly layer: number
}

/** The rows in their order, as those of the layer number `layer`. */
export function* rowsIn(columns: WalkColumns, layer = 0): Generator<LayerRow> {
  const {facts} = memoryOf(columns)
  const text = columns.text.filled
  let textAt = 0
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    const kind = kinds[(facts[at] ?? 0) % inBytes] ?? 'file'
    const pathEnd = textAt + (facts[at + fact.pathLength] ?? 0)
    const end = pathEnd + (facts[at + fact.targetLength] ?? 0)
    yield new Row({columns, row, text, textAt, pathEnd, layer, kind}, end)
    textAt = end
  }
}

/** Most rows are passed over, so their texts are made when they are asked for. */
class Row implements LayerRow {
  readonly columns: WalkColumns
  readonly row: number
  readonly text: Buffer
  readonly textAt: number
  readonly pathEnd: number
  readonly layer: number
  readonly kind: RowAt['kind']
  private readonly textEnd: number
  private madePath: ByteString | undefined

  constructor(
    {columns, row, text, textAt, pathEnd, layer, kind}: Omit<LayerRow, 'path' | 'target'>,
    textEnd: number,
  ) {
    this.columns = columns
    this.row = row
    this.text = text
    this.textAt = textAt
    this.pathEnd = pathEnd
    this.layer = layer
    this.kind = kind
    this.textEnd = textEnd
  }

  get path(): ByteString {
    return (this.madePath ??= this.columns.text.slice(this.textAt, this.pathEnd))
  }

  get target(): ByteString {
    return this.columns.text.slice(this.pathEnd, this.textEnd)
  }
}

/** Of several layers, in the order of a walk. */
export function sortRows(rows: LayerRow[]): LayerRow[] {
  return rows.sort(compareInWalk)
}
