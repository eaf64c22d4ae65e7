import type {ByteString} from '../byte-string.js'
import type {Entry} from '../entry.js'
import {createColumn} from './column.js'
import type {FileState} from './file-state.js'
import {longestWholePath} from './walk.js'
import type {Entries, WalkDetail, WalkedEntry, WalkedFile} from './walked-entry.js'

/** The largest recording in bytes; a larger tree is walked again each time. */
const mostBytes = 64 * 1024 * 1024
/** Entries that are kept as objects. */
const mostOdd = 50_000

/** Details that the recorded one includes. */
const listed: ReadonlySet<WalkDetail> = new Set(['directories', 'names', 'states'])

/**
 * The same entries, of which those of the details `directories`, `names` and `states` are listed
 * once: as the first walk that came to its end found them, and but for `states` without what it
 * takes to read files. Other details are walked anew, in this thread or, by `walk`, in another.
 * `prefix` is what the paths of entries have before their paths in the directory.
 */
export function recordedWalk(entries: Entries, prefix: ByteString): Entries {
  let record: WalkRecord | undefined
  let isTooLarge = false
  const recorded: Entries = (detail) => {
    if (detail === undefined || !listed.has(detail)) return entries(detail)
    if (record) return record.replay(detail === 'states')
    return isTooLarge ? entries(detail) : recording()
  }
  return Object.assign(recorded, {walk: entries.walk})

  function* recording(): Generator<WalkedEntry> {
    let own: WalkRecord | undefined = createRecord(prefix.length)
    for (const walked of entries('states')) {
      if (own?.add(walked) === false) {
        own = undefined
        isTooLarge = true
      }
      yield walked
    }
    record = own
  }
}

interface WalkRecord {
  /** `false` if the walk cannot be recorded. */
  add(walked: WalkedEntry): boolean
  /** Without states, files cannot be read. */
  replay(hasStates: boolean): Generator<WalkedEntry>
}

/** The kinds of most entries. */
const kinds: readonly Entry['kind'][] = ['directory', 'file', 'symlink', 'hardlink']
const odd = kinds.length
/** Added to the kind of what has a path that is not ASCII: looking takes longer than the rest. */
const inBytes = 8
/** How often memory is checked, in entries. */
const stride = 1024

/**
 * Entries in a few large pieces of memory, because objects would take several times as much. Rare
 * members (devices, attributes) are kept as objects.
 */
function createRecord(prefixLength: number): WalkRecord {
  const small = createColumn<number>((length) => new Uint32Array(length))
  const large = createColumn<number>((length) => new Float64Array(length))
  const times = createColumn<bigint>((length) => new BigInt64Array(length))
  const counts = createColumn<bigint>((length) => new BigUint64Array(length))
  let text = Buffer.alloc(4096)
  let textLength = 0
  let entryCount = 0
  const oddOnes: WalkedEntry[] = []
  /** The common prefix of all files' paths. */
  let folder: ByteString | undefined

  return {
    add(walked) {
      if (walked.entry.path.length > longestWholePath) return false
      if (isPlain(walked)) {
        if (!addPlain(walked)) return false
      } else {
        small.push(odd)
        oddOnes.push(walked)
      }
      if (++entryCount % stride !== 0) return true
      const bytes = small.bytes + large.bytes + times.bytes + counts.bytes + text.length
      return bytes <= mostBytes && oddOnes.length <= mostOdd
    },
    *replay(hasStates) {
      const next = createReader(hasStates)
      for (let walked = next(); walked; walked = next()) yield walked
    },
  }

  function addPlain({entry, file, shared, alone}: WalkedEntry): boolean {
    const content = alone ? alone.file : file
    if (content && !isInFolder(content, entry.path)) return false
    const target = 'target' in entry ? entry.target : ''
    const own = alone?.entry ?? entry
    small.push(kinds.indexOf(entry.kind) + (typeof content?.path === 'object' ? inBytes : 0))
    small.push(entry.path.length)
    small.push(target.length)
    small.push(entry.mode)
    small.push(entry.uid)
    small.push(entry.gid)
    small.push(shared?.names ?? 0)
    small.push(shared?.group ?? 0)
    large.push(entry.mtime)
    large.push(own.kind === 'file' ? own.size : 0)
    addText(entry.path)
    addText(target)
    if (content) addState(content.stat)
    return true
  }

  function addText(bytes: ByteString): void {
    if (textLength + bytes.length > text.length) {
      const larger = Buffer.alloc(text.length + (text.length >> 1) + bytes.length)
      text.copy(larger)
      text = larger
    }
    textLength += text.write(bytes, textLength, 'latin1')
  }

  function addState({ctimeNs, mtimeNs, size, ino, dev, nlink}: FileState): void {
    times.push(ctimeNs)
    times.push(mtimeNs)
    counts.push(size)
    counts.push(ino)
    counts.push(dev)
    counts.push(nlink)
  }

  function isInFolder({path}: WalkedFile, entryPath: ByteString): boolean {
    const access = typeof path === 'string' ? path : path.toString('latin1')
    const inside = entryPath.slice(prefixLength)
    folder ??= access.slice(0, access.length - inside.length)
    return access === folder + inside
  }

  /** Returns one entry after the other, then `undefined`. */
  function createReader(hasStates: boolean): () => WalkedEntry | undefined {
    let [smallAt, largeAt, timesAt, countsAt, textAt, oddAt] = [0, 0, 0, 0, 0, 0]
    return () => {
      if (smallAt === small.length) return undefined
      const number = small.at(smallAt++)
      if (number === odd) return oddOnes[oddAt++]
      return nextPlain(kinds[number % inBytes] ?? 'file', number >= inBytes)
    }

    function nextPlain(kind: Entry['kind'], isBytes: boolean): WalkedEntry {
      const [pathLength, targetLength] = [small.at(smallAt), small.at(smallAt + 1)]
      const [mode, uid, gid] = [small.at(smallAt + 2), small.at(smallAt + 3), small.at(smallAt + 4)]
      const [names, group] = [small.at(smallAt + 5), small.at(smallAt + 6)]
      const [mtime, size] = [large.at(largeAt), large.at(largeAt + 1)]
      smallAt += 7
      largeAt += 2
      const path = nextText(pathLength)
      const target = nextText(targetLength)
      const common = {path, mode, uid, gid, mtime, xattrs: undefined}
      const shared = names > 0 ? {shared: {names, group}} : undefined
      if (kind === 'directory') return {entry: {kind, ...common}}
      if (kind === 'symlink') return {entry: {kind, target, ...common}, ...shared}
      const alone: WalkedEntry = {
        entry: {kind: 'file', size, ...common},
        ...(hasStates && {file: nextFile(path, isBytes)}),
      }
      if (kind === 'file') return {...alone, ...shared}
      return {entry: {kind: 'hardlink', target, ...common}, ...shared, alone}
    }

    function nextText(length: number): ByteString {
      return text.toString('latin1', textAt, (textAt += length))
    }

    function nextFile(path: ByteString, isBytes: boolean): WalkedFile {
      const access = `${folder ?? ''}${path.slice(prefixLength)}`
      return {path: isBytes ? Buffer.from(access, 'latin1') : access, stat: nextState()}
    }

    function nextState(): FileState {
      const state = {
        ctimeNs: times.at(timesAt),
        mtimeNs: times.at(timesAt + 1),
        size: counts.at(countsAt),
        ino: counts.at(countsAt + 1),
        dev: counts.at(countsAt + 2),
        nlink: counts.at(countsAt + 3),
      }
      timesAt += 2
      countsAt += 4
      return state
    }
  }
}

/** The recorded members of an entry; new members must be added here. */
const parts = {entry: true, file: true, shared: true, alone: true, content: true} satisfies Record<
  keyof WalkedEntry,
  true
>

function isPlain(walked: WalkedEntry): boolean {
  const {entry, file, alone} = walked
  for (const part in walked) if (!(part in parts)) return false
  if (walked.content || entry.xattrs !== undefined || !kinds.includes(entry.kind)) return false
  if (entry.kind !== 'hardlink')
    return alone === undefined && (file !== undefined) === (entry.kind === 'file')
  const own = alone?.entry
  return own?.kind === 'file' && own.xattrs === undefined && alone?.file !== undefined
}
