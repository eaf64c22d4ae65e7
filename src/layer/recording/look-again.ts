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
  stateAt,
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

/** What was touched since the walk. */
export interface TouchedFiles {
  /** The rows of their names, in ascending order. */
  readonly rows: readonly number[]
  /** Whether each takes as many blocks of 512 bytes as before. */
  readonly areSameSize: boolean
}

/**
 * Looks at everything that a walk saw before, and brings the columns up to date. Returns the files
 * that were touched; `undefined` if something else was: then the tree must be walked again.
 *
 * A directory whose state is what it was has the names that it had, with the same attributes, so it
 * is not listed.
 */
export function lookAgain(
  columns: WalkColumns,
  {tree, prefixLength, now}: SeenTree,
): TouchedFiles | undefined {
  const {facts, text} = columns
  const states = columns.states.filled
  const folder = fromText(tree.directory)
  const isPlainFolder = isAscii(folder)
  const rows = rowsOf(columns)
  const root = look('', !isPlainFolder)
  if (!root || !isAsBefore(root, 0)) return undefined
  const touched: number[] = []
  let areSameSize = true
  let textAt = 0
  for (let row = 0; row < rows; row++) {
    const at = row * factsPerRow
    const number = facts.at(at)
    const end = textAt + facts.at(at + fact.pathLength)
    const inside = text.slice(textAt + prefixLength, end)
    const stat = look(`/${inside}`, number >= inBytes || !isPlainFolder || !isAscii(inside))
    if (!stat) return undefined
    if (!isAsBefore(stat, row + 1)) {
      if (!isTouchedFile(stat, row)) return undefined
      areSameSize &&= blocksOf(stat.size) === blocksOf(states[(row + 1) * statesPerRow + 2] ?? 0n)
      bringUpToDate(row, stat, text.slice(textAt, end))
      touched.push(row)
      if (columns.layers) forgetLayerOf(columns.layers, row)
    }
    textAt = end + facts.at(at + fact.targetLength)
  }
  return areWholeGroups(columns, touched) ? {rows: touched, areSameSize} : undefined

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

  /** What has several names has as many as before, and they are names of the same file. */
  function isTouchedFile(stat: BigIntStats, row: number): boolean {
    const at = row * factsPerRow
    const kind = kinds[facts.at(at) % inBytes]
    if (kind !== 'file' && kind !== 'hardlink') return false
    if (!stat.isFile() || stat.ctimeNs >= now) return false
    if (facts.at(at + fact.names) === 0) return stat.nlink === 1n
    const {ino, dev, nlink} = stateAt(columns.states, row + 1)
    return stat.ino === ino && stat.dev === dev && stat.nlink === nlink
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

function blocksOf(size: bigint): bigint {
  return (size + 511n) / 512n
}

/**
 * Whether of each file that has several names all were touched, and looked the same: otherwise it
 * was touched meanwhile.
 */
function areWholeGroups({facts, states}: WalkColumns, touched: readonly number[]): boolean {
  const groupOf = (row: number): number => facts.at(row * factsPerRow + fact.group)
  const isShared = (row: number): boolean => facts.at(row * factsPerRow + fact.names) > 0
  const ctimeOf = (row: number): bigint => states.at((row + 1) * statesPerRow)
  const shared = touched.filter(isShared)
  if (shared.length === 0) return true
  const groups = new Map(shared.map((row) => [groupOf(row), ctimeOf(row)]))
  if (shared.some((row) => groups.get(groupOf(row)) !== ctimeOf(row))) return false
  let names = 0
  const rows = facts.length / factsPerRow
  for (let row = 0; row < rows; row++) if (isShared(row) && groups.has(groupOf(row))) names++
  return names === shared.length
}

const inBigInts = {bigint: true, throwIfNoEntry: false} as const
