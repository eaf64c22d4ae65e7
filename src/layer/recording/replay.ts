import {type ByteString, isAscii} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import type {RowCursor} from './packed-rows.js'
import {number} from './row-numbers.js'
import {kinds, odd} from './walk-columns.js'

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

/** The entries of a walk, with what it takes to read files only if `hasStates`. */
export function* replay(
  {rows, oddOnes, folder, prefixLength, isWanted}: ReplayOptions,
  hasStates: boolean,
): Generator<WalkedEntry> {
  const {numbers} = rows
  const isPlainFolder = isAscii(folder)
  let oddAt = 0
  while (rows.next()) {
    const {kind} = rows
    if (kind === odd) {
      const walked = oddOnes[oddAt++]
      if (walked) yield walked
    } else if (!isWanted || isWanted()) yield plain(kinds[kind] ?? 'file', rows.isBytes)
  }

  function plain(kind: Entry['kind'], isBytes: boolean): WalkedEntry {
    const path = rows.path()
    const mode = numbers.at(number.mode)
    const uid = numbers.at(number.uid)
    const gid = numbers.at(number.gid)
    const mtime = numbers.at(number.mtime)
    const common = {path, mode, uid, gid, mtime, xattrs: undefined}
    if (kind === 'directory') return {entry: {kind, ...common}, ...stateOf()}
    const names = numbers.at(number.names)
    const shared = names > 0 ? {shared: {names, group: numbers.at(number.group)}} : undefined
    if (kind === 'symlink')
      return {entry: {kind, target: rows.target(), ...common}, ...shared, ...stateOf()}
    const size = numbers.at(number.content)
    // written out: to spread it for each file takes longer than all of the rest
    const entry = {kind: 'file', size, path, mode, uid, gid, mtime, xattrs: undefined} as const
    const alone = hasStates ? {entry, file: fileAt(path, isBytes)} : {entry}
    if (kind === 'file') return shared ? {...alone, ...shared} : alone
    return {entry: {kind: 'hardlink', target: rows.target(), ...common}, ...shared, alone}
  }

  function stateOf(): Pick<WalkedEntry, 'state'> | undefined {
    return hasStates ? {state: numbers.state()} : undefined
  }

  function fileAt(path: ByteString, isBytes: boolean): WalkedFile {
    const access = `${folder}${path.slice(prefixLength)}`
    return {
      path: isBytes || !isPlainFolder ? Buffer.from(access, 'latin1') : access,
      stat: numbers.state(),
    }
  }
}
