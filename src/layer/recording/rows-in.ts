import type {ByteString} from '../byte-string.js'
import {fact, factsPerRow, inBytes, kinds, rowsOf, type WalkColumns} from './walk-columns.js'

/** Where a row is, and what it is of. */
export interface RowAt {
  readonly columns: WalkColumns
  readonly row: number
  /** Where its text begins. */
  readonly textAt: number
  readonly kind: (typeof kinds)[number]
  readonly path: ByteString
  /** Orders paths as a walk does. */
  readonly key: string
  readonly target: ByteString
}

/** A row of one of the layers of a directory. */
export interface LayerRow extends RowAt {
  /** The place of its layer, counted from 0. */
  readonly layer: number
}

/** The rows in their order, as those of the layer number `layer`. */
export function* rowsIn(columns: WalkColumns, layer = 0): Generator<LayerRow> {
  const {facts, text} = columns
  let textAt = 0
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    const pathEnd = textAt + facts.at(at + fact.pathLength)
    const end = pathEnd + facts.at(at + fact.targetLength)
    const path = text.slice(textAt, pathEnd)
    const kind = kinds[facts.at(at) % inBytes] ?? 'file'
    const target = end > pathEnd ? text.slice(pathEnd, end) : ''
    yield new Row({columns, row, textAt, kind, path, target, layer})
    textAt = end
  }
}

/** Most rows are not compared with others, so their keys are made when they are asked for. */
class Row implements LayerRow {
  readonly columns: WalkColumns
  readonly row: number
  readonly textAt: number
  readonly kind: RowAt['kind']
  readonly path: ByteString
  readonly target: ByteString
  readonly layer: number
  private made: string | undefined

  constructor({columns, row, textAt, kind, path, target, layer}: Omit<LayerRow, 'key'>) {
    this.columns = columns
    this.row = row
    this.textAt = textAt
    this.kind = kind
    this.path = path
    this.target = target
    this.layer = layer
  }

  get key(): string {
    return (this.made ??= walkKeyOf(this.path))
  }
}

/** Of several layers, in the order of a walk. */
export function sortRows(rows: LayerRow[]): LayerRow[] {
  return rows.sort(({key: one}, {key: other}) => (one < other ? -1 : one > other ? 1 : 0))
}

/**
 * Compares as paths do in a walk, parents first and names bytewise: nothing sorts before the end of
 * a name.
 */
export function walkKeyOf(path: ByteString): string {
  return path.replaceAll('/', '\0')
}
