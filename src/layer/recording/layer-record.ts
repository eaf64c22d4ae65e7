import type {BigIntStats} from 'node:fs'
import type {Entry} from '../entry.js'
import {createColumnWriter} from './columns/column-writer.js'
import {type RowAt, rowsIn} from './columns/rows-in.js'
import {
  fact,
  factsPerRow,
  kindNumber,
  putState,
  sizesPerRow,
  unknownState,
  type WalkColumns,
} from './columns/walk-columns.js'

/** The entries of one layer while it is unpacked, as rows. */
export interface LayerRecord {
  /** Its paths are those in the layer. */
  add(entry: Entry): void
  /** The file that was added last is written. */
  written(stat: BigIntStats): void
  /** Bytes of memory. */
  bytes(): number
  /** In the order of the layer; what is added later is not in them. */
  columns(): WalkColumns
  /** Whether everything of the layer is in the rows, and on disk as the layer says. */
  isComplete(): boolean
}

/** An empty record, for one layer. */
export function createLayerRecord(): LayerRecord {
  const rows = createColumnWriter()
  let file: Entry | undefined
  let isComplete = true

  return {
    add(entry) {
      const {kind, xattrs} = entry
      file = kind === 'file' ? entry : undefined
      if (file) return
      const hasRow = kindNumber(kind) >= 0
      isComplete &&= hasRow && (xattrs === undefined || xattrs.size === 0)
      if (hasRow) rows.add(entry, unknownState)
    },
    written(stat) {
      if (!file) return
      isComplete &&= isAsDescribed(stat, file)
      rows.add(file, stat)
      file = undefined
    },
    bytes: () => rows.bytes(),
    columns: () => rows.columns(),
    isComplete: () => isComplete && !file,
  }
}

/** Whether what is in a directory is what the row of a layer says. */
export function isAsRecorded(stat: BigIntStats, {columns, row, kind}: RowAt): boolean {
  const {facts, sizes} = columns
  const at = row * factsPerRow
  const common = {
    mode: facts.at(at + fact.mode),
    uid: facts.at(at + fact.uid),
    gid: facts.at(at + fact.gid),
    mtime: sizes.at(row * sizesPerRow),
  }
  if (!isAsDescribed(stat, common)) return false
  if (kind === 'directory') return stat.isDirectory()
  return kind === 'symlink' ? stat.isSymbolicLink() : stat.isFile()
}

/**
 * Gives a walk that was composed the state that the directory itself has in the end. `false` if
 * that is not what its layer says.
 */
export function settleRoot(walk: WalkColumns, stat: BigIntStats, prefixLength: number): boolean {
  putState(walk.states, 0, stat)
  if (prefixLength === 0) return true
  const [first] = rowsIn(walk)
  if (!first || first.path.length >= prefixLength) return false
  putState(walk.states, 1, stat)
  return isAsRecorded(stat, first)
}

interface Described {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: number
}

/** Only root restores owners, and not all file systems keep modes and times. */
function isAsDescribed(stat: BigIntStats, {mode, uid, gid, mtime}: Described): boolean {
  return (
    (Number(stat.mode) & 0o7777) === mode &&
    Number(stat.uid) === uid &&
    Number(stat.gid) === gid &&
    stat.mtimeNs === BigInt(mtime) * 1_000_000_000n
  )
}
