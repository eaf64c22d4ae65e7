import type {ByteString} from '../byte-string.js'
import {longestWholePath} from '../tree/walk.js'
import type {InodeGroups} from '../tree/inode-groups.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import {type PackedRows, type RowCursor, RowReader, RowWriter} from './rows/packed-rows.js'
import {replay} from './replay.js'
import {number, RowNumbers} from './rows/row-numbers.js'
import {kindNumber, odd, unknownState} from './columns/walk-columns.js'

/** The largest recording in bytes; a larger tree is walked again each time. */
export const mostRecorded = 128 * 1024 * 1024
const hardlink = kindNumber('hardlink')
/** Entries that are kept as objects. */
const mostOdd = 50_000
/** How often memory is checked, in entries. */
const stride = 1024

/** A walk while it is recorded. */
export interface WalkRecord {
  /** `false` if the walk cannot be recorded. */
  add(walked: WalkedEntry): boolean
  /**
   * The same for rows of which hard links are by themselves, and files alone have several names;
   * they are links to the first of their names then. Returns how many they are, `undefined` if the
   * walk cannot be recorded.
   */
  addRows(rows: RowCursor, inodes: InodeGroups): number | undefined
  replay(hasStates: boolean): Generator<WalkedEntry>
  /** All of it; `undefined` if there is something that rows do not hold. */
  rows(): PackedRows | undefined
}

/**
 * An empty record. Rare members (devices, attributes) are kept as objects. `folder` is what the
 * kernel is told before the paths of files; default: as the first file that is added says.
 */
export function createRecord(
  prefixLength: number,
  mostBytes = mostRecorded,
  folder?: ByteString,
): WalkRecord {
  const writer = new RowWriter()
  const numbers = new RowNumbers()
  const oddOnes: WalkedEntry[] = []
  let entryCount = 0
  let common = folder

  return {
    add(walked) {
      if (walked.entry.path.length > longestWholePath) return false
      if (isPlain(walked)) {
        if (!addPlain(walked)) return false
      } else {
        writer.push({kind: odd, isBytes: false, path: '', target: ''}, numbers)
        oddOnes.push(walked)
      }
      return ++entryCount % stride !== 0 || hasRoom()
    },
    addRows(rows, inodes) {
      const before = entryCount
      while (rows.next()) {
        const {kind, isBytes} = rows
        const path = rows.path()
        numbers.putAll(rows.numbers)
        const {group, first} = groupOf(path, inodes)
        numbers.put(number.group, group)
        entryCount++
        if (first !== path) writer.push({kind: hardlink, isBytes, path, target: ''}, numbers)
        else {
          const hasOwnName = numbers.at(number.names) > 0
          writer.push({kind, isBytes, path, target: rows.target(), hasOwnName}, numbers)
        }
      }
      return hasRoom() ? entryCount - before : undefined
    },
    replay(hasStates) {
      const rows = new RowReader(writer.rows())
      return replay({rows, oddOnes, folder: common ?? '', prefixLength}, hasStates)
    },
    rows: () => (oddOnes.length === 0 ? writer.rows() : undefined),
  }

  function hasRoom(): boolean {
    return writer.bytes <= mostBytes && oddOnes.length <= mostOdd
  }

  function groupOf(path: ByteString, inodes: InodeGroups): ReturnType<InodeGroups['find']> {
    if (numbers.at(number.names) === 0) return {group: 0, first: path}
    return inodes.find({dev: numbers.long(number.dev), ino: numbers.long(number.ino)}, path)
  }

  function addPlain({entry, file, shared, alone, state}: WalkedEntry): boolean {
    const content = alone ? alone.file : file
    if (content && !isInFolder(content, entry.path)) return false
    if (content?.offset !== undefined) return false
    const {path, mode, uid, gid, mtime} = entry
    const own = alone?.entry ?? entry
    numbers.putState(content?.stat ?? state ?? unknownState)
    numbers.put(number.mode, mode)
    numbers.put(number.uid, uid)
    numbers.put(number.gid, gid)
    numbers.put(number.mtime, mtime)
    numbers.put(number.content, own.kind === 'file' ? own.size : 0)
    numbers.put(number.names, shared?.names ?? 0)
    numbers.put(number.group, shared?.group ?? 0)
    const kind = kindNumber(entry.kind)
    const isBytes = typeof content?.path === 'object'
    // that of a hard link is the first name of its group
    const target = entry.kind === 'symlink' ? entry.target : ''
    // the first name of a file waits for the others when it is divided
    const hasOwnName = entry.kind === 'file' && shared !== undefined
    writer.push({kind, isBytes, path, target, hasOwnName}, numbers)
    return true
  }

  function isInFolder({path}: WalkedFile, entryPath: ByteString): boolean {
    const access = typeof path === 'string' ? path : path.toString('latin1')
    const inside = entryPath.slice(prefixLength)
    common ??= access.slice(0, access.length - inside.length)
    return access === common + inside
  }
}

/** The recorded members of an entry; new members must be added here. */
const parts = {
  entry: true,
  file: true,
  shared: true,
  alone: true,
  content: true,
  state: true,
} satisfies Record<keyof WalkedEntry, true>

function isPlain(walked: WalkedEntry): boolean {
  const {entry, file, alone} = walked
  for (const part in walked) if (!(part in parts)) return false
  if (walked.content || entry.xattrs !== undefined || kindNumber(entry.kind) < 0) return false
  if (entry.kind !== 'hardlink')
    return alone === undefined && (file !== undefined) === (entry.kind === 'file')
  const own = alone?.entry
  return own?.kind === 'file' && own.xattrs === undefined && alone?.file !== undefined
}
