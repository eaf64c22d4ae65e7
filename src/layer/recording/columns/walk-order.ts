import type {ByteString} from '../../byte-string.js'
import {compareInWalk} from '../rows/path-order.js'
import {type LayerRow, rowsIn, sortRows} from './rows-in.js'
import type {WalkColumns} from './walk-columns.js'

/** Rows that are not where a walk would have them, and are kept as objects. */
const mostMoved = 20_000

/**
 * The rows of layers that were divided as ours are: files in the order of a walk but for hard
 * links, and all directories in the last layer. `undefined` for others.
 */
export function inWalkOrder(layers: readonly WalkColumns[]): Iterable<LayerRow> | undefined {
  const folders = new Set<ByteString>()
  const last = layers.at(-1)
  if (!last) return []
  for (const {kind, path} of rowsIn(last)) if (kind === 'directory') folders.add(path)
  const moved: LayerRow[] = []
  for (const row of filesOf(layers, (each) => moved.push(each)))
    if (row.kind === 'directory' && !folders.has(row.path)) return undefined
  if (moved.length > mostMoved) return undefined
  return merged([inOrder(layers), foldersOf(last, layers.length - 1), sortRows(moved)])
}

/** In the order of the layers, with their directories; what belongs before others is told of. */
function* filesOf(
  layers: readonly WalkColumns[],
  onMoved: (row: LayerRow) => void,
): Generator<LayerRow> {
  let newest: LayerRow | undefined
  for (const [layer, columns] of layers.entries()) {
    for (const row of rowsIn(columns, layer)) {
      if (row.kind === 'directory') yield row
      else if (newest && compareInWalk(row, newest) < 0) onMoved(row)
      else {
        newest = row
        yield row
      }
    }
  }
}

function* inOrder(layers: readonly WalkColumns[]): Generator<LayerRow> {
  for (const row of filesOf(layers, () => undefined)) if (row.kind !== 'directory') yield row
}

function* foldersOf(columns: WalkColumns, layer: number): Generator<LayerRow> {
  for (const row of rowsIn(columns, layer)) if (row.kind === 'directory') yield row
}

function* merged(lists: readonly Iterable<LayerRow>[]): Generator<LayerRow> {
  const iterators = lists.map((list) => list[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  for (;;) {
    let first = -1
    let row: LayerRow | undefined
    for (const [at, head] of heads.entries()) {
      if (head.done === true || (row && compareInWalk(head.value, row) >= 0)) continue
      first = at
      row = head.value
    }
    const iterator = iterators[first]
    if (!row || !iterator) return
    yield row
    heads[first] = iterator.next()
  }
}
