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

/** The rows in their order. */
export function* rowsIn(columns: WalkColumns): Generator<RowAt> {
  const {facts, text} = columns
  let textAt = 0
  for (let row = 0; row < rowsOf(columns); row++) {
    const at = row * factsPerRow
    const pathEnd = textAt + facts.at(at + fact.pathLength)
    const end = pathEnd + facts.at(at + fact.targetLength)
    const path = text.slice(textAt, pathEnd)
    const kind = kinds[facts.at(at) % inBytes] ?? 'file'
    const target = end > pathEnd ? text.slice(pathEnd, end) : ''
    yield {columns, row, textAt, kind, path, key: walkKeyOf(path), target}
    textAt = end
  }
}

/** A row of one of the layers of a directory. */
export interface LayerRow extends RowAt {
  /** The place of its layer, counted from 0. */
  readonly layer: number
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
