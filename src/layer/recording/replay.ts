import {type ByteString, isAscii} from '../byte-string.js'
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
export function* replay(options: ReplayOptions, hasStates: boolean): Generator<WalkedEntry> {
  const {columns} = options
  const {facts} = columns
  const entryAt = rowReader(options, hasStates)
  const rows = rowsOf(columns)
  let [oddAt, textAt] = [0, 0]
  for (let row = 0; row < rows; row++) {
    const at = row * factsPerRow
    yield entryAt(row, textAt, oddAt)
    if (facts.at(at) === odd) oddAt++
    else textAt += facts.at(at + fact.pathLength) + facts.at(at + fact.targetLength)
  }
}

/** Gives the entry of one row, of which the place in the text and among the odd ones is known. */
function rowReader(
  {columns, oddOnes, folder, prefixLength}: ReplayOptions,
  hasStates: boolean,
): (row: number, textAt: number, oddAt: number) => WalkedEntry {
  const {facts, sizes, states, text} = columns
  const isPlainFolder = isAscii(folder)
  return (row, textAt, oddAt) => {
    const at = row * factsPerRow
    const number = facts.at(at)
    if (number === odd) return oddOnes[oddAt] as WalkedEntry
    const kind = kinds[number % inBytes] ?? 'file'
    const pathEnd = textAt + facts.at(at + fact.pathLength)
    const path = text.slice(textAt, pathEnd)
    const mode = facts.at(at + fact.mode)
    const uid = facts.at(at + fact.uid)
    const gid = facts.at(at + fact.gid)
    const mtime = sizes.at(row * sizesPerRow)
    const names = facts.at(at + fact.names)
    if (kind === 'file' && names === 0) {
      // written out: most rows are such, and to spread takes longer than all of the rest
      const size = sizes.at(row * sizesPerRow + 1)
      const entry = {kind: 'file', size, path, mode, uid, gid, mtime, xattrs: undefined} as const
      return hasStates ? {entry, file: fileAt(row, path, number >= inBytes)} : {entry}
    }
    const common = {path, mode, uid, gid, mtime, xattrs: undefined}
    if (kind === 'directory') return {entry: {kind, ...common}, ...stateOf(row)}
    const target = text.slice(pathEnd, pathEnd + facts.at(at + fact.targetLength))
    const shared = names > 0 ? {shared: {names, group: facts.at(at + fact.group)}} : undefined
    if (kind === 'symlink') return {entry: {kind, target, ...common}, ...shared, ...stateOf(row)}
    const size = sizes.at(row * sizesPerRow + 1)
    const entry = {kind: 'file', size, path, mode, uid, gid, mtime, xattrs: undefined} as const
    const alone = hasStates ? {entry, file: fileAt(row, path, number >= inBytes)} : {entry}
    if (kind === 'file') return {...alone, ...shared}
    return {entry: {kind: 'hardlink', target, ...common}, ...shared, alone}
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
