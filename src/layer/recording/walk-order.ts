import type {ByteString} from '../byte-string.js'
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
  for (const row of filesOf(layers, folders)) {
    if (!row) return undefined
    if (!row.isInOrder && moved.push(row) > mostMoved) return undefined
  }
  return merged([inOrder(layers, folders), foldersOf(last, layers.length - 1), sortRows(moved)])
}

interface FileRow extends LayerRow {
  /** Nothing before it belongs after it. */
  readonly isInOrder: boolean
}

/** In the order of the layers. `undefined` for a directory that is not in the last one. */
function* filesOf(
  layers: readonly WalkColumns[],
  folders: ReadonlySet<ByteString>,
): Generator<FileRow | undefined> {
  let newest = ''
  for (const [layer, columns] of layers.entries()) {
    for (const row of rowsIn(columns)) {
      if (row.kind === 'directory') {
        if (!folders.has(row.path)) yield undefined
        continue
      }
      const isInOrder = row.key > newest
      if (isInOrder) newest = row.key
      yield {...row, layer, isInOrder}
    }
  }
}

function* inOrder(
  layers: readonly WalkColumns[],
  folders: ReadonlySet<ByteString>,
): Generator<LayerRow> {
  for (const row of filesOf(layers, folders)) if (row?.isInOrder === true) yield row
}

function* foldersOf(columns: WalkColumns, layer: number): Generator<LayerRow> {
  for (const row of rowsIn(columns)) if (row.kind === 'directory') yield {...row, layer}
}

function* merged(lists: readonly Iterable<LayerRow>[]): Generator<LayerRow> {
  const iterators = lists.map((list) => list[Symbol.iterator]())
  const heads = iterators.map((iterator) => iterator.next())
  for (;;) {
    let first = -1
    let row: LayerRow | undefined
    for (const [at, head] of heads.entries()) {
      if (head.done === true || (row && head.value.key >= row.key)) continue
      first = at
      row = head.value
    }
    const iterator = iterators[first]
    if (!row || !iterator) return
    yield row
    heads[first] = iterator.next()
  }
}
