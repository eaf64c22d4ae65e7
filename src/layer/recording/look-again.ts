import {type BigIntStats, lstatSync} from 'node:fs'
import {fromText, isAscii, type ByteString} from '../byte-string.js'
import {describeFile} from '../tree/describe-file.js'
import type {FileState} from '../tree/file-state.js'
import type {Tree} from '../tree/walked-entry.js'
import {ColumnCursor, putNumbers} from './column-rows.js'
import type {RowCursor} from './packed-rows.js'
import {forgetLayerOf} from './row-layers.js'
import {number, RowNumbers} from './row-numbers.js'
import {kinds, stateAt, type WalkColumns} from './walk-columns.js'

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
  /** Called with the number of a row that was touched, and with its new numbers. */
  readonly onTouched: (row: number, numbers: RowNumbers) => void
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
}

/** `lookAgain` for columns, which are brought up to date. */
export function lookAgainAtColumns(columns: WalkColumns, seen: SeenTree): TouchedFiles | undefined {
  return lookAgain(new ColumnCursor(columns), {
    ...seen,
    root: stateAt(columns.states, 0),
    areLinksAlike: false,
    onTouched(row, numbers) {
      putNumbers(columns, row, numbers)
      if (columns.layers) forgetLayerOf(columns.layers, row)
    },
  })
}

const [directory, file, , hardlink] = kinds.keys()

/**
 * Looks at everything that a walk saw before. Returns the files that were touched; `undefined` if
 * something else was: then the tree must be walked again.
 *
 * A directory whose state is what it was has the names that it had, with the same attributes, so it
 * is not listed.
 */
export function lookAgain(
  rows: RowCursor,
  {tree, prefixLength, now, root, areLinksAlike, onTouched}: LookAgainOptions,
): TouchedFiles | undefined {
  const folder = fromText(tree.directory)
  const inside = `${folder}/`
  const isPlainFolder = isAscii(folder)
  const found = new RowNumbers()
  const before = new RowNumbers()
  const files: TouchedFile[] = []
  /** Of files with several names, with their change times. */
  const groups = new Map<number, bigint>()
  let areSameSize = true
  let newest = -Infinity
  let item = -1
  const top = look(folder, !isPlainFolder)
  before.putState(root)
  if (!top || !isAsBefore(top, before)) return undefined
  for (let row = 0; rows.next(); row++) {
    const {kind, isBytes, numbers} = rows
    if (kind !== directory) item++
    const isShared = numbers.at(number.names) > 0
    const group = isShared ? numbers.at(number.group) : undefined
    const isKnown = areLinksAlike && kind === hardlink && group !== undefined
    if (!isKnown || groups.has(group)) {
      const path = rows.path(prefixLength)
      const isFile = kind === file || kind === hardlink
      const inBytes = isBytes || !isPlainFolder || (!isFile && !isAscii(path))
      const stat = look(inside + path, inBytes)
      if (!stat) return undefined
      if (!isAsBefore(stat, numbers)) {
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
    }
    newest = Math.max(newest, numbers.at(number.mtime))
  }
  return {files, areSameSize, newestMtime: newest === -Infinity ? 0 : newest}

  function look(access: ByteString, isBytes: boolean): BigIntStats | undefined {
    try {
      return lstatSync(isBytes ? Buffer.from(access, 'latin1') : access, inBigInts)
    } catch {
      // the walk says what is wrong
      return undefined
    }
  }

  function isAsBefore(stat: BigIntStats, numbers: RowNumbers): boolean {
    found.putState(stat)
    return found.hasStateOf(numbers) && stat.ctimeNs < now
  }

  /** What has several names has as many as before, and they are names of the same file. */
  function isTouchedFile(stat: BigIntStats, numbers: RowNumbers): boolean {
    if (!stat.isFile() || stat.ctimeNs >= now) return false
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

function blocksOf(size: bigint): bigint {
  return (size + 511n) / 512n
}

const inBigInts = {bigint: true, throwIfNoEntry: false} as const
