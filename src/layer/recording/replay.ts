import {type ByteString, isAscii} from '../byte-string.js'
import type {EntryMetadata} from '../entry.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import {createFirstNames} from './rows/first-names.js'
import type {RowCursor} from './rows/packed-rows.js'
import {number} from './rows/row-numbers.js'
import {kinds, odd} from './columns/walk-columns.js'

export interface ReplayOptions {
  readonly rows: RowCursor
  /** What is not in the rows, in its order. */
  readonly oddOnes: readonly WalkedEntry[]
  /** What the kernel is told before the paths of files. */
  readonly folder: ByteString
  /** How much of each path is not told to it. */
  readonly prefixLength: number
  /** Asked at each row; absent where all are wanted. */
  readonly isWanted?: (() => boolean) | undefined
}

/**
 * The entries of a walk, with what it takes to read files only if `hasStates`. A row of a hard link
 * has its target only if it is of one layer; else that is the first name of its group, which is
 * wanted if a link to it is.
 */
export function* replay(
  {rows, oddOnes, folder, prefixLength, isWanted}: ReplayOptions,
  hasStates: boolean,
): Generator<WalkedEntry> {
  const {numbers} = rows
  const isPlainFolder = isAscii(folder)
  const firsts = createFirstNames()
  let oddAt = 0
  while (rows.next()) {
    const {kind} = rows
    if (kind === odd) {
      const walked = oddOnes[oddAt++]
      if (walked) yield walked
    } else if (!isWanted || isWanted()) yield plain()
  }

  function plain(): WalkedEntry {
    const kind = kinds[rows.kind] ?? 'file'
    const path = rows.path()
    const mode = numbers.at(number.mode)
    const uid = numbers.at(number.uid)
    const gid = numbers.at(number.gid)
    const mtime = numbers.at(number.mtime)
    const names = numbers.at(number.names)
    if (kind === 'file' && names === 0) return fileOf({path, mode, uid, gid, mtime})
    const common = {path, mode, uid, gid, mtime, xattrs: undefined}
    if (kind === 'directory') return {entry: {kind, ...common}, ...stateOf()}
    const shared = names > 0 ? {shared: {names, group: numbers.at(number.group)}} : undefined
    if (kind === 'symlink')
      return {entry: {kind, target: rows.target(), ...common}, ...shared, ...stateOf()}
    const alone = fileOf(common)
    const group = numbers.at(number.group)
    if (kind === 'file') {
      firsts.add(group, path)
      return {...alone, ...shared}
    }
    const target = rows.target() || firsts.at(group)
    if (target === '') throw new Error(`no row has the first name of ${path}`)
    return {entry: {kind: 'hardlink', target, ...common}, ...shared, alone}
  }

  function fileOf({path, mode, uid, gid, mtime}: Omit<EntryMetadata, 'xattrs'>): WalkedEntry {
    const size = numbers.at(number.content)
    // written out: most rows are such, and to spread takes longer than all of the rest
    const entry = {kind: 'file', size, path, mode, uid, gid, mtime, xattrs: undefined} as const
    return hasStates ? {entry, file: fileAt(path)} : {entry}
  }

  function stateOf(): Pick<WalkedEntry, 'state'> | undefined {
    return hasStates ? {state: numbers.state()} : undefined
  }

  function fileAt(path: ByteString): WalkedFile {
    const access = `${folder}${path.slice(prefixLength)}`
    return {
      path: rows.isBytes || !isPlainFolder ? Buffer.from(access, 'latin1') : access,
      stat: numbers.state(),
    }
  }
}
