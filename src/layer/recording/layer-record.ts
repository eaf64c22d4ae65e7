import type {BigIntStats} from 'node:fs'
import {isAscii} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {FileState} from '../tree/file-state.js'
import {type RowAt, rowsIn} from './rows-in.js'
import {
  bytesOf,
  createColumns,
  fact,
  factsPerRow,
  kinds,
  pushRow,
  pushState,
  putState,
  sizesPerRow,
  unknownState,
  type WalkColumns,
} from './walk-columns.js'

/** The entries of one layer while it is unpacked, as rows. */
export interface LayerRecord {
  /** Its paths are those in the layer. */
  add(entry: Entry): void
  /** The file that was added last is written. */
  written(stat: BigIntStats): void
  /** Bytes of memory. */
  bytes(): number
  /** In the order of the layer. */
  readonly columns: WalkColumns
  /** Whether everything of the layer is in the rows, and on disk as the layer says. */
  isComplete(): boolean
}

/** An empty record, for one layer. */
export function createLayerRecord(): LayerRecord {
  const columns = createColumns()
  let file: Entry | undefined
  let isComplete = true
  pushState(columns.states, unknownState)

  return {
    add(entry) {
      const {kind, xattrs} = entry
      file = kind === 'file' ? entry : undefined
      isComplete &&= (kinds as readonly string[]).includes(kind)
      isComplete &&= kind === 'file' || xattrs === undefined || xattrs.size === 0
      if (kind !== 'file' && (kinds as readonly string[]).includes(kind)) push(entry, unknownState)
    },
    written(stat) {
      if (!file) return
      isComplete &&= isAsDescribed(stat, file)
      push(file, stat)
      file = undefined
    },
    bytes: () => bytesOf(columns),
    columns,
    isComplete: () => isComplete && !file,
  }

  function push(entry: Entry, state: FileState): void {
    const target = 'target' in entry ? entry.target : ''
    const size = entry.kind === 'file' ? entry.size : 0
    const isBytes = entry.kind === 'file' && !isAscii(entry.path)
    pushRow(columns, {entry, target, size, names: 0, group: 0, isBytes, state})
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
    Number(stat.mode & 0o7777n) === mode &&
    Number(stat.uid) === uid &&
    Number(stat.gid) === gid &&
    stat.mtimeNs === BigInt(mtime) * 1_000_000_000n
  )
}
