import type {ByteString} from '../../layer/byte-string.js'
import {comparePaths, isBelow} from '../../layer/records/record.js'
import type {FileAspect, FileChange, FileFacts} from './file-change.js'

/** One path that differs, or a directory with several that differ in the same way. */
export interface ChangeRow {
  readonly change: FileChange['change']
  readonly path: ByteString
  readonly type: FileFacts['type']
  readonly aspects: readonly FileAspect[]
  /** Paths that are not directories: 1 for a file by itself. */
  readonly files: number
  readonly directories: number
  /** Bytes of content that were added or removed. */
  readonly bytes: number
}

export interface RollUp {
  /** In the order of a tree. */
  add(change: FileChange): void
  /** At most as many as requested, in the order of a tree. */
  rows(): readonly ChangeRow[]
  /** The number of omitted directories of which only the time differs. */
  times(): number
}

interface Row extends ChangeRow {
  /** The directory that it would be combined into next. */
  readonly place: ByteString
}

/**
 * Combines changes by directory: a directory that was added or removed as a whole is one row. If
 * there are more than `most` rows, those in the deepest directories are merged by directory and
 * kind of change, and so on upwards. Memory is bounded by `most`.
 */
export function createRollUp(most: number): RollUp {
  let rows: Row[] = []
  /** The index in `rows` of the last directory that was added or removed as a whole. */
  let whole = -1
  let times = 0

  return {
    add(change) {
      const row = rowOf(change)
      if (isTimeOfDirectory(change)) {
        times++
        return
      }
      const above = rows[whole]
      if (above && above.change === row.change && isBelow(row.path, above.path)) {
        rows[whole] = {...above, ...sum(above, row)}
        return
      }
      if (row.type === 'directory' && row.change !== 'changed') whole = rows.length
      rows.push(row)
      if (rows.length <= 100 * most) return
      rows = collapse(rows, 50 * most)
      whole = -1
    },
    rows: () => collapse(rows, most).sort((one, other) => comparePaths(one.path, other.path)),
    times: () => times,
  }
}

function rowOf({change, path, before, after, aspects, bytes}: FileChange): Row {
  const type = (after ?? before)?.type ?? 'directory'
  const isDirectory = type === 'directory'
  const counts = {files: isDirectory ? 0 : 1, directories: isDirectory ? 1 : 0, bytes}
  return {change, path, type, aspects, ...counts, place: path}
}

function isTimeOfDirectory({change, after, aspects}: FileChange): boolean {
  if (change !== 'changed' || after?.type !== 'directory') return false
  return aspects.length === 1 && aspects[0] === 'time'
}

function sum(one: ChangeRow, other: ChangeRow) {
  return {
    files: one.files + other.files,
    directories: one.directories + other.directories,
    bytes: one.bytes + other.bytes,
  }
}

function collapse(rows: readonly Row[], most: number): Row[] {
  let found = [...rows]
  while (found.length > most) {
    const depth = found.reduce((deepest, {place}) => Math.max(deepest, depthOf(place)), 0)
    if (depth === 0) break
    found = raise(found, depth)
  }
  return found
}

/** Moves the deepest rows up by one directory, and merges equal ones. */
function raise(rows: readonly Row[], depth: number): Row[] {
  const raised = new Map<string, Row>()
  const kept: Row[] = []
  for (const row of rows) {
    if (depthOf(row.place) < depth) {
      kept.push(row)
      continue
    }
    const place = row.place.slice(0, Math.max(0, row.place.lastIndexOf('/')))
    const key = `${row.change} ${row.aspects.join()} ${place}`
    const other = raised.get(key)
    raised.set(
      key,
      other
        ? {...other, ...sum(other, row), type: 'directory', path: place, place}
        : {...row, place},
    )
  }
  return [...kept, ...raised.values()]
}

/** Names in the path; 0 for the root. */
function depthOf(path: ByteString): number {
  return path === '' ? 0 : path.split('/').length
}
