import {type ByteString, isAscii} from '../byte-string.js'
import type {Entry} from '../entry.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import {
  fact,
  factsPerRow,
  inBytes,
  kinds,
  odd,
  rowsOf,
  sizesPerRow,
  stateAt,
  type WalkColumns,
} from './walk-columns.js'

export interface ReplayOptions {
  readonly columns: WalkColumns
  /** What is not in the columns, in its order. */
  readonly oddOnes: readonly WalkedEntry[]
  /** What the kernel is told before the paths of files. */
  readonly folder: ByteString
  /** How much of each path is not told to it. */
  readonly prefixLength: number
}

/** The entries of a walk, with what it takes to read files only if `hasStates`. */
export function* replay(
  {columns, oddOnes, folder, prefixLength}: ReplayOptions,
  hasStates: boolean,
): Generator<WalkedEntry> {
  const {facts, sizes, states, text} = columns
  const rows = rowsOf(columns)
  const isPlainFolder = isAscii(folder)
  let [oddAt, textAt] = [0, 0]
  for (let row = 0; row < rows; row++) {
    const number = facts.at(row * factsPerRow)
    if (number === odd) {
      const walked = oddOnes[oddAt++]
      if (walked) yield walked
    } else yield plain(row, kinds[number % inBytes] ?? 'file', number >= inBytes)
  }

  function plain(row: number, kind: Entry['kind'], isBytes: boolean): WalkedEntry {
    const at = row * factsPerRow
    const path = nextText(facts.at(at + fact.pathLength))
    const target = nextText(facts.at(at + fact.targetLength))
    const mode = facts.at(at + fact.mode)
    const uid = facts.at(at + fact.uid)
    const gid = facts.at(at + fact.gid)
    const mtime = sizes.at(row * sizesPerRow)
    const common = {path, mode, uid, gid, mtime, xattrs: undefined}
    if (kind === 'directory') return {entry: {kind, ...common}, ...stateOf(row)}
    const names = facts.at(at + fact.names)
    const shared = names > 0 ? {shared: {names, group: facts.at(at + fact.group)}} : undefined
    if (kind === 'symlink') return {entry: {kind, target, ...common}, ...shared, ...stateOf(row)}
    const size = sizes.at(row * sizesPerRow + 1)
    // written out: to spread it for each file takes longer than all of the rest
    const entry = {kind: 'file', size, path, mode, uid, gid, mtime, xattrs: undefined} as const
    const alone = hasStates ? {entry, file: fileAt(row, path, isBytes)} : {entry}
    if (kind === 'file') return shared ? {...alone, ...shared} : alone
    return {entry: {kind: 'hardlink', target, ...common}, ...shared, alone}
  }

  function nextText(length: number): ByteString {
    return text.slice(textAt, (textAt += length))
  }

  function stateOf(row: number): Pick<WalkedEntry, 'state'> | undefined {
    return hasStates ? {state: stateAt(states, row + 1)} : undefined
  }

  function fileAt(row: number, path: ByteString, isBytes: boolean): WalkedFile {
    const access = `${folder}${path.slice(prefixLength)}`
    return {
      path: isBytes || !isPlainFolder ? Buffer.from(access, 'latin1') : access,
      stat: stateAt(states, row + 1),
    }
  }
}
