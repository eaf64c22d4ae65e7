import type {ByteString} from '../byte-string.js'
import type {FileState} from '../tree/file-state.js'
import {longestWholePath} from '../tree/walk.js'
import type {WalkedEntry, WalkedFile} from '../tree/walked-entry.js'
import {replay, type ReplayOptions} from './replay.js'
import {
  bytesOf,
  createColumns,
  factsPerRow,
  kinds,
  odd,
  pushRow,
  pushState,
  unknownState,
  type WalkColumns,
} from './walk-columns.js'

/** The largest recording in bytes; a larger tree is walked again each time. */
export const mostRecorded = 128 * 1024 * 1024
/** Entries that are kept as objects. */
const mostOdd = 50_000
/** How often memory is checked, in entries. */
const stride = 1024

/** A walk while it is recorded. */
export interface WalkRecord {
  /** `false` if the walk cannot be recorded. */
  add(walked: WalkedEntry): boolean
  replay(hasStates: boolean): Generator<WalkedEntry>
  /** With empty rows for what is not in them. */
  readonly whole: WalkColumns
  /** All of it; `undefined` if there is something that is not in the columns. */
  columns(): WalkColumns | undefined
}

/**
 * A record without entries of a directory with that state, where it is known. Rare members
 * (devices, attributes) are kept as objects.
 */
export function createRecord(
  prefixLength: number,
  root: FileState = unknownState,
  mostBytes = mostRecorded,
): WalkRecord {
  const columns = createColumns()
  const {facts, sizes, states} = columns
  const oddOnes: WalkedEntry[] = []
  let entryCount = 0
  /** The common prefix of all files' paths. */
  let folder: ByteString | undefined
  pushState(states, root)

  return {
    add(walked) {
      if (walked.entry.path.length > longestWholePath) return false
      if (isPlain(walked)) {
        if (!addPlain(walked)) return false
      } else {
        addOdd(walked)
      }
      if (++entryCount % stride !== 0) return true
      return bytesOf(columns) <= mostBytes && oddOnes.length <= mostOdd
    },
    replay: (hasStates) => {
      const options: ReplayOptions = {columns, oddOnes, folder: folder ?? '', prefixLength}
      return replay(options, hasStates)
    },
    whole: columns,
    columns: () => (oddOnes.length === 0 ? columns : undefined),
  }

  function addOdd(walked: WalkedEntry): void {
    facts.push(odd)
    for (let place = 1; place < factsPerRow; place++) facts.push(0)
    sizes.push(0)
    sizes.push(0)
    pushState(states, unknownState)
    oddOnes.push(walked)
  }

  function addPlain({entry, file, shared, alone, state}: WalkedEntry): boolean {
    const content = alone ? alone.file : file
    if (content && !isInFolder(content, entry.path)) return false
    if (content?.offset !== undefined) return false
    const target = 'target' in entry ? entry.target : ''
    const own = alone?.entry ?? entry
    pushRow(columns, {
      entry,
      target,
      size: own.kind === 'file' ? own.size : 0,
      names: shared?.names ?? 0,
      group: shared?.group ?? 0,
      isBytes: typeof content?.path === 'object',
      state: content?.stat ?? state ?? unknownState,
    })
    return true
  }

  function isInFolder({path}: WalkedFile, entryPath: ByteString): boolean {
    const access = typeof path === 'string' ? path : path.toString('latin1')
    const inside = entryPath.slice(prefixLength)
    folder ??= access.slice(0, access.length - inside.length)
    return access === folder + inside
  }
}

function kindNumber(kind: WalkedEntry['entry']['kind']): number {
  return (kinds as readonly string[]).indexOf(kind)
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
