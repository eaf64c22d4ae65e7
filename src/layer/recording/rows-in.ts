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
  const {facts} = columns
  let textAt = 0
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    const kind = kinds[facts.at(at) % inBytes] ?? 'file'
    const pathEnd = textAt + facts.at(at + fact.pathLength)
    const end = pathEnd + facts.at(at + fact.targetLength)
    yield new Row({columns, row, textAt, layer, kind}, pathEnd, end)
    textAt = end
  }
}

/** Most rows are passed over, so their texts are made when they are asked for. */
class Row implements LayerRow {
  readonly columns: WalkColumns
  readonly row: number
  readonly textAt: number
  readonly layer: number
  readonly kind: RowAt['kind']
  private readonly pathEnd: number
  private readonly textEnd: number
  private madePath: ByteString | undefined
  private madeKey: string | undefined

  constructor(
    {columns, row, textAt, layer, kind}: Omit<LayerRow, 'path' | 'key' | 'target'>,
    pathEnd: number,
    textEnd: number,
  ) {
    this.columns = columns
    this.row = row
    this.textAt = textAt
    this.layer = layer
    this.kind = kind
    this.pathEnd = pathEnd
    this.textEnd = textEnd
  }

  get path(): ByteString {
    return (this.madePath ??= this.columns.text.slice(this.textAt, this.pathEnd))
  }

  get target(): ByteString {
    return this.columns.text.slice(this.pathEnd, this.textEnd)
  }

  get key(): string {
    return (this.madeKey ??= walkKeyOf(this.path))
  }
}

/** Of several layers, in the order of a walk. */
export function sortRows(rows: LayerRow[]): LayerRow[] {
  return rows.sort(byKey)
}

/** Compares two rows by where a walk would have them. */
export function byKey({key: one}: RowAt, {key: other}: RowAt): number {
  return one < other ? -1 : one > other ? 1 : 0
}

/**
 * Compares as paths do in a walk, parents first and names bytewise: nothing sorts before the end of
 * a name.
 */
function walkKeyOf(path: ByteString): string {
  return path.replaceAll('/', '\0')
}
