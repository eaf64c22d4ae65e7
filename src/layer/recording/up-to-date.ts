import {fromText} from '../byte-string.js'
import type {Tree} from '../tree/walked-entry.js'
import {createSettling} from './kept-walk.js'
import {areLinksAlike} from './links-alike.js'
import type {KeptBytes, PackedWalk} from './packed-walk.js'
import {forgetLayerOf} from './columns/row-layers.js'
import {number} from './rows/row-numbers.js'
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
  readonly areSettled: boolean
}

/** A kept walk as it would be now, in steps; `undefined` if more than files was touched since. */
export function* bringUpToDate(
  {rows, root, layers, ...kept}: KeptBytes,
  {tree, prefixLength, now, before, ahead: startAhead}: UpToDateOptions,
): Generator<void, UpToDate | undefined> {
  const splicer = new RowSplicer(rows)
  const settling = createSettling(tree.directory, before)
  const isAlike = kept.areLinksAlike && areLinksAlike(tree.directory)
  const folder = `${fromText(tree.directory)}/`
  const how = {prefixLength, areLinksAlike: isAlike}
  const path = () => splicer.path(prefixLength)
  let ahead: LookAhead | undefined
  let unsettled = 0
  try {
    const touched = yield* lookAgain(splicer, {
      ...{tree, now, root, ...how},
      startAhead: () => (ahead = startAhead?.({...rows, ...how, folder, before})),
      onTouched(row, numbers) {
        splicer.replace(numbers)
        if (layers) forgetLayerOf(layers, row)
        const isKnown = settling.isKnown(numbers.long(number.dev), path)
        if (!isKnown || !settling.isSettled(numbers.long(number.ctimeNs))) unsettled++
      },
    })
    return (
      touched && {
        walk: {rows: splicer.rows(), root, layers, areLinksAlike: isAlike},
        touched,
        areSettled: unsettled === 0 && touched.latest < before,
      }
    )
  } finally {
    ahead?.close()
  }
}
