import {fromText} from '../byte-string.js'
import type {Tree} from '../tree/walked-entry.js'
import {createSettling, forget} from './kept-walk.js'
import {areLinksAlike} from './links-alike.js'
import type {KeptBytes, PackedWalk} from './packed-walk.js'
import {forgetLayerOf} from './columns/row-layers.js'
import type {PackedRows} from './rows/packed-rows.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {RowSplicer} from './rows/row-splicer.js'
import {type LookAhead, lookAgain, type RowsAhead, type TouchedFiles} from './look-again.js'

export interface UpToDateOptions {
  readonly tree: Tree
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  /** Nanoseconds since the epoch. */
  readonly now: bigint
  /** See `WalkKeeper`. */
  readonly before: bigint
  /** Threads that look, too; default: none. */
  readonly ahead?: ((rows: RowsAhead) => LookAhead | undefined) | undefined
}

export interface UpToDate {
  readonly walk: PackedWalk
  readonly touched: TouchedFiles
  /** See `KeptWalkOptions`. */
  readonly settled: PackedRows | undefined
}

/** A kept walk as it would be now, in steps; `undefined` if more than files was touched since. */
export function* bringUpToDate(
  {rows, root, layers, ...kept}: KeptBytes,
  {tree, prefixLength, now, before, ahead: startAhead}: UpToDateOptions,
): Generator<void, UpToDate | undefined> {
  const splicer = new RowSplicer(rows, {areKept: true})
  const settling = createSettling(tree.directory, before)
  const isAlike = kept.areLinksAlike && areLinksAlike(tree.directory)
  const folder = `${fromText(tree.directory)}/`
  const how = {prefixLength, areLinksAlike: isAlike}
  const path = () => splicer.path(prefixLength)
  let ahead: LookAhead | undefined
  const forgotten = new RowNumbers()
  /** Whether the next run can trust what it sees of each row, and forget the others. */
  let canSettle = true as boolean
  try {
    const touched = yield* lookAgain(splicer, {
      ...{tree, now, root, ...how},
      startAhead: () => (ahead = startAhead?.({...rows, ...how, folder, before})),
      onTouched(row, numbers) {
        const isSettled = settling.isSettled(numbers.long(number.ctimeNs))
        splicer.replace(numbers, isSettled ? numbers : forget(numbers, forgotten))
        if (layers) forgetLayerOf(layers, row)
        canSettle &&= settling.isKnown(numbers.long(number.dev), path)
      },
    })
    return (
      touched && {
        walk: {rows: splicer.rows(), root, layers, areLinksAlike: isAlike},
        touched,
        settled: canSettle && touched.latest < before ? splicer.keptRows() : undefined,
      }
    )
  } finally {
    ahead?.close()
  }
}
