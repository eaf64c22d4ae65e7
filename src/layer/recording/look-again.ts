import {type BigIntStats, lstatSync} from 'node:fs'
import {fromText, isAscii, type ByteString} from '../byte-string.js'
import {describeFile} from '../tree/describe-file.js'
import type {Tree} from '../tree/walked-entry.js'
import {forgetLayerOf} from './row-layers.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  putState,
  rowsOf,
  sizesPerRow,
  statesPerRow,
  type WalkColumns,
} from './walk-columns.js'

/** A tree that was walked before. */
export interface SeenTree {
  readonly tree: Tree
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  /** Nanoseconds since the epoch: a later time means that the clock was set back. */
  readonly now: bigint
}

/**
 * Looks at everything that a walk saw before, and brings the columns up to date. Returns how many
 * files were touched; `undefined` if something else was: then the tree must be walked again.
 *
 * A directory whose state is what it was has the names that it had, with the same attributes, so it
 * is not listed.
 */
export function lookAgain(
  columns: WalkColumns,
  {tree, prefixLength, now}: SeenTree,
): number | undefined {
  const {facts, text} = columns
  const states = columns.states.filled
  const folder = fromText(tree.directory)
  const isPlainFolder = isAscii(folder)
  const rows = rowsOf(columns)
  const root = look('', !isPlainFolder)
  if (!root || !isAsBefore(root, 0)) return undefined
  let touched = 0
  let textAt = 0
  for (let row = 0; row < rows; row++) {
    const at = row * factsPerRow
    const number = facts.at(at)
    const end = textAt + facts.at(at + fact.pathLength)
    const inside = text.slice(textAt + prefixLength, end)
    const stat = look(`/${inside}`, number >= inBytes || !isPlainFolder || !isAscii(inside))
    if (!stat) return undefined
    if (!isAsBefore(stat, row + 1)) {
      const kind = kinds[number % inBytes]
      if (kind !== 'file' || facts.at(at + fact.names) > 0) return undefined
      if (!stat.isFile() || stat.nlink !== 1n || stat.ctimeNs >= now) return undefined
      bringUpToDate(row, stat, text.slice(textAt, end))
      if (columns.layers) forgetLayerOf(columns.layers, row)
      touched++
    }
    textAt = end + facts.at(at + fact.targetLength)
  }
  return touched

  function look(inside: ByteString, isBytes: boolean): BigIntStats | undefined {
    const access = folder + inside
    try {
      return lstatSync(isBytes ? Buffer.from(access, 'latin1') : access, inBigInts)
    } catch {
      // the walk says what is wrong
      return undefined
    }
  }

  function isAsBefore({ctimeNs, mtimeNs, size, ino, dev, nlink}: BigIntStats, row: number) {
    const at = row * statesPerRow
    return (
      states[at] === ctimeNs &&
      states[at + 1] === mtimeNs &&
      states[at + 2] === size &&
      states[at + 3] === ino &&
      states[at + 4] === dev &&
      states[at + 5] === nlink &&
      ctimeNs < now
    )
  }

  /** Its path is what it was, and so is the rest of the row. */
  function bringUpToDate(row: number, stat: BigIntStats, path: ByteString): void {
    const {owner, chmod, clampMtime} = tree
    const options = {owner, chmod, clampMtime, detail: 'states'} as const
    const {entry} = describeFile({stat, path, access: ''}, options)
    const at = row * factsPerRow
    facts.put(at + fact.mode, entry.mode)
    facts.put(at + fact.uid, entry.uid)
    facts.put(at + fact.gid, entry.gid)
    columns.sizes.put(row * sizesPerRow, entry.mtime)
    columns.sizes.put(row * sizesPerRow + 1, entry.kind === 'file' ? entry.size : 0)
    putState(columns.states, row + 1, stat)
  }
}

const inBigInts = {bigint: true, throwIfNoEntry: false} as const
