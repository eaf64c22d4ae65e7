import {type BigIntStats, lstatSync} from 'node:fs'
import {type ByteString, fromText, isAscii} from '../byte-string.js'
import {describeFile} from '../tree/describe-file.js'
import type {FileState} from '../tree/file-state.js'
import type {Tree} from '../tree/walked-entry.js'
import {ColumnCursor, putNumbers} from './columns/column-rows.js'
import type {RowCursor} from './rows/packed-rows.js'
import {forgetLayerOf} from './columns/row-layers.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {lastOf} from '../../stream/take-turns.js'
import {kinds, stateAt, type WalkColumns} from './columns/walk-columns.js'

/** A tree that was walked before. */
export interface SeenTree {
  readonly tree: Tree
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  /** Nanoseconds since the epoch: a later time means that the clock was set back. */
  readonly now: bigint
}

/** What is looked at again. */
export interface LookAgainOptions extends SeenTree {
  /** The state that the directory itself had. */
  readonly root: FileState
  /** See `PackedWalk`: a hard link is looked at only where its file was touched. */
  readonly areLinksAlike: boolean
  /** Starts threads that look, too, when the directory itself was not touched; default: none. */
  readonly startAhead?: (() => LookAhead | undefined) | undefined
  /** Called with the number of a row that was touched, and with its new numbers. */
  readonly onTouched: (row: number, numbers: RowNumbers) => void
}

/** The rows of a walk, for threads that look at them, too. */
export interface RowsAhead extends LookOptions {
  /** All rows, in memory that threads can share. */
  readonly pieces: readonly Uint8Array[]
  readonly count: number
  /** Nanoseconds since the epoch: a change time as late as this or later is left to the caller. */
  readonly before: bigint
}

/** Threads that look at rows meanwhile. */
export interface LookAhead {
  /**
   * Whether another thread has found that the row was not touched, with an earlier change time;
   * asked for one row after the other.
   */
  isUntouched(row: number): boolean
  /** Ends the threads. */
  close(): void
}

/** A file that was touched since the walk, under one of its names. */
export interface TouchedFile {
  /** Its place, counted without directories. */
  readonly item: number
  /** The same for all names of a file that has several. */
  readonly group: number | undefined
}

/** What was touched since the walk. */
export interface TouchedFiles {
  /** In ascending order. */
  readonly files: readonly TouchedFile[]
  /** Whether each takes as many blocks of 512 bytes as before. */
  readonly areSameSize: boolean
  /** Seconds since the epoch, of the newest entry now; 0 for none. */
  readonly newestMtime: number
  /** Nanoseconds since the epoch: nothing else that was looked at here has a later change time. */
  readonly latest: bigint
}

/** `lookAgain` for columns, which are brought up to date, in one go. */
export function lookAgainAtColumns(columns: WalkColumns, seen: SeenTree): TouchedFiles | undefined {
  return lastOf(
    lookAgain(new ColumnCursor(columns), {
      ...seen,
      root: stateAt(columns.states, 0),
      areLinksAlike: false,
      onTouched(row, numbers) {
        putNumbers(columns, row, numbers)
        if (columns.layers) forgetLayerOf(columns.layers, row)
      },
    }),
  )
}

const [directory, file, , hardlink] = kinds.keys()

/** Rows between two steps. */
const often = 256

/**
 * Looks at everything that a walk saw before, in steps of a millisecond. Returns the files that
 * were touched; `undefined` if something else was: then the tree must be walked again.
 *
 * A directory whose state is what it was has the names that it had, with the same attributes, so it
 * is not listed.
 */
export function* lookAgain(
  rows: RowCursor,
  {tree, prefixLength, now, root, areLinksAlike, startAhead, onTouched}: LookAgainOptions,
): Generator<void, TouchedFiles | undefined> {
  const folder = fromText(tree.directory)
  const looks = createLook({folder: `${folder}/`, prefixLength, areLinksAlike})
  const found = new RowNumbers()
  const files: TouchedFile[] = []
  /** Of files with several names, with their change times. */
  const groups = new Map<number, bigint>()
  let areSameSize = true
  let newest = -Infinity
  let latest = root.ctimeNs
  let item = -1
  const top = look(folder, !isAscii(folder))
  found.putState(root)
  if (!top || !looks.isAsBefore(top, found) || !isPast(top)) return undefined
  const ahead = startAhead?.()
  for (let row = 0; rows.next(); row++) {
    if (row % often === often - 1) yield
    const {kind, numbers} = rows
    if (kind !== directory) item++
    const group = numbers.at(number.names) > 0 ? numbers.at(number.group) : undefined
    const isSeen = ahead?.isUntouched(row) === true || looks.isKnown(rows)
    if (!isSeen || (group !== undefined && groups.has(group))) {
      const stat = looks.at(rows)
      if (!stat || !isPast(stat)) return undefined
      if (!looks.isAsBefore(stat, numbers)) {
        const isFile = kind === file || kind === hardlink
        if (!isFile || !isTouchedFile(stat, numbers)) return undefined
        // the file comes before its links: if it was touched, they were
        if (kind === hardlink && groups.get(group ?? -1) !== stat.ctimeNs) return undefined
        if (group !== undefined) groups.set(group, stat.ctimeNs)
        areSameSize &&= blocksOf(stat.size) === blocksOf(numbers.long(number.size))
        newest = Math.max(newest, touch(row, stat))
        files.push({item, group})
        continue
      }
      if (group !== undefined && groups.has(group)) return undefined
      if (stat.ctimeNs > latest) latest = stat.ctimeNs
    }
    newest = Math.max(newest, numbers.at(number.mtime))
  }
  return {files, areSameSize, newestMtime: newest === -Infinity ? 0 : newest, latest}

  /** A change time in the future tells nothing. */
  function isPast({ctimeNs}: BigIntStats): boolean {
    return ctimeNs < now
  }

  /** What has several names has as many as before, and they are names of the same file. */
  function isTouchedFile(stat: BigIntStats, numbers: RowNumbers): boolean {
    if (!stat.isFile()) return false
    if (numbers.at(number.names) === 0) return stat.nlink === 1n
    const {ino, dev, nlink} = numbers.state()
    return stat.ino === ino && stat.dev === dev && stat.nlink === nlink
  }

  /** Its path is what it was, and so is the rest of the row. Returns its new mtime. */
  function touch(row: number, stat: BigIntStats): number {
    const {owner, chmod, clampMtime} = tree
    const options = {owner, chmod, clampMtime, detail: 'states'} as const
    const {entry} = describeFile({stat, path: '', access: ''}, options)
    found.putAll(rows.numbers)
    found.putState(stat)
    found.put(number.mode, entry.mode)
    found.put(number.uid, entry.uid)
    found.put(number.gid, entry.gid)
    found.put(number.mtime, entry.mtime)
    found.put(number.content, entry.kind === 'file' ? entry.size : 0)
    onTouched(row, found)
    return entry.mtime
  }
}

export interface LookOptions {
  /** What the kernel is told before the paths of rows. */
  readonly folder: ByteString
  /** How much of each path is not told to the kernel. */
  readonly prefixLength: number
  /** See `PackedWalk`: a hard link is looked at only where its file was touched. */
  readonly areLinksAlike: boolean
}

/** Looks at what rows are of. */
export interface Look {
  /** Whether the row is a hard link that its file tells of. */
  isKnown(rows: RowCursor): boolean
  /** What is there now; `undefined` for nothing that can be looked at. */
  at(rows: RowCursor): BigIntStats | undefined
  /** Whether that is the state in the numbers of a row. */
  isAsBefore(stat: BigIntStats, numbers: RowNumbers): boolean
}

export function createLook({folder, prefixLength, areLinksAlike}: LookOptions): Look {
  const isPlainFolder = isAscii(folder)
  const found = new RowNumbers()
  return {
    isKnown: ({kind, numbers}) =>
      areLinksAlike && kind === hardlink && numbers.at(number.names) > 0,
    at(rows) {
      const {kind} = rows
      const path = rows.path(prefixLength)
      const isFile = kind === file || kind === hardlink
      return look(folder + path, rows.isBytes || !isPlainFolder || (!isFile && !isAscii(path)))
    },
    isAsBefore(stat, numbers) {
      found.putState(stat)
      return found.hasStateOf(numbers)
    },
  }
}

/** As `at` of a `Look`. */
function look(access: ByteString, isBytes: boolean): BigIntStats | undefined {
  try {
    return lstatSync(isBytes ? Buffer.from(access, 'latin1') : access, inBigInts)
  } catch {
    // a walk says what is wrong
    return undefined
  }
}

function blocksOf(size: bigint): bigint {
  return (size + 511n) / 512n
}

const inBigInts = {bigint: true, throwIfNoEntry: false} as const
