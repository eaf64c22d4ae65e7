import {createHash, type Hash, hash as hashOf} from 'node:crypto'
import type {ByteString} from '../byte-string.js'
import {layerCorrupt} from '../corrupt.js'
import type {Entry, EntryMetadata} from '../entry.js'
import {isPortableXattr} from '../tar/pax-values.js'
import {isWhiteout, opaqueMarker, whiteoutPrefix} from '../whiteout.js'
import {orderOf, type ContentRecord, type RecordKind, type Sides} from './record.js'
import type {RecordWriter} from './record-store.js'

/** How the entries of a layer or directory become records. */
export interface RecordSource {
  readonly layer: number
  readonly sides: Sides
  /** Hash the content of files. */
  readonly hashes: boolean
  /** Names that start with `.wh.` hide content of lower layers; else they are files. */
  readonly whiteouts: boolean
}

/** Receives entries in their order, with normalised paths (`a/b`). */
export interface EntryRecorder {
  /** `hash` is the SHA-256 of a file's content in bytes, if that is known without the content. */
  entry(entry: Entry, hash?: ByteString): void
  /** A part of the content of the file before; the bytes are valid during the call only. */
  data(bytes: Uint8Array): void
  /** A hole of so many zeros. */
  hole(zeros: number): void
  entryEnd(): void
  /** The number of entries. */
  count(): number
}

/** The limit in bytes for remembered paths, to find directories without an entry. */
const mostFolderBytes = 8 * 1024 * 1024

const zeros = Buffer.alloc(64 * 1024)

/** Turns entries into records, in bounded memory. */
export function recordEntries(source: RecordSource, write: RecordWriter): EntryRecorder {
  const {layer, sides, hashes, whiteouts} = source
  const folders = createFolders((path) => write(recordOf(nothing, path, 'implicit')))
  let sequence = 0
  let file: (Entry & {readonly kind: 'file'}) | undefined
  let hasher: Hash | undefined
  let whole: ByteString | undefined

  return {
    entry(entry, hash) {
      sequence++
      if (entry.path.includes('\0')) throw layerCorrupt('the name of an entry contains a NUL')
      const slash = entry.path.lastIndexOf('/')
      const folder = entry.path.slice(0, Math.max(0, slash))
      const name = entry.path.slice(slash + 1)
      if (whiteouts && isWhiteout(name)) {
        mark(folder, name)
        return
      }
      if (slash > 0) folders.expect(folder)
      if (entry.kind === 'file') {
        file = entry
        whole = hash
      } else record(entry)
    },
    data(bytes) {
      if (!hashes || file === undefined) return
      // most files come in one piece, and hashing that costs a third of a hash object
      if (!hasher && bytes.length === file.size) whole = hashOf('sha256', bytes, 'binary')
      else (hasher ??= createHash('sha256')).update(bytes)
    },
    hole(count) {
      if (!hashes || file === undefined) return
      hasher ??= createHash('sha256')
      for (let left = count; left > 0; left -= zeros.length)
        hasher.update(left < zeros.length ? zeros.subarray(0, left) : zeros)
    },
    entryEnd() {
      if (file === undefined) return
      const content = !hashes ? '' : (whole ?? hasher?.digest('binary') ?? ofNothing)
      write(recordOf(file, file.path, 'file', {size: file.size, hash: content}))
      file = hasher = whole = undefined
    },
    count: () => sequence,
  }

  function mark(folder: ByteString, name: ByteString): void {
    if (name === opaqueMarker) {
      write(recordOf(nothing, folder, 'opaque'))
      return
    }
    // .wh..wh.plnk and the like belong to AUFS, and engines ignore them
    if (name.startsWith(whiteoutPrefix + whiteoutPrefix)) return
    const hidden = name.slice(whiteoutPrefix.length)
    if (hidden === '' || hidden === '.' || hidden === '..') return
    write(recordOf(nothing, folder === '' ? hidden : `${folder}/${hidden}`, 'whiteout'))
  }

  function record(entry: Entry): void {
    const {kind, path} = entry
    if (kind === 'directory') folders.know(path)
    const target =
      'target' in entry ? entry.target : 'major' in entry ? `${entry.major}:${entry.minor}` : ''
    write(recordOf(entry, path, kind, {target}))
    if (kind === 'hardlink') write(recordOf(nothing, target, 'link', {target: path}))
  }

  /** Members one by one, because spreading takes ten times as long, and there are millions. */
  function recordOf(
    {mode, uid, gid, mtime, xattrs}: Metadata,
    path: ByteString,
    kind: RecordKind,
    own: {readonly target?: ByteString; readonly size?: number; readonly hash?: ByteString} = {},
  ): ContentRecord {
    return {
      path,
      kind,
      layer,
      sequence,
      sides,
      mode,
      uid: id(uid),
      gid: id(gid),
      mtime: Number.isFinite(mtime) ? mtime : 0,
      size: own.size ?? 0,
      target: own.target ?? '',
      hash: own.hash ?? '',
      attributes: hashAttributes(xattrs),
      inode: orderOf(layer, sequence),
    }
  }
}

type Metadata = Omit<EntryMetadata, 'path'>

const nothing: Metadata = {mode: 0, uid: 0, gid: 0, mtime: 0, xattrs: undefined}

/** SHA-256 of an empty file. */
const ofNothing = Buffer.from(
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'hex',
).toString('latin1')

/** Layers of other tools may have an invalid number. */
function id(value: number): number {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 32 ? value : 2 ** 32 - 1
}

/** Equal for equal attributes in any order; attributes of the host do not count. */
function hashAttributes(xattrs: Entry['xattrs']): ByteString {
  if (xattrs === undefined || xattrs.size === 0) return ''
  const own = [...xattrs].filter(([name]) => isPortableXattr(name))
  if (own.length === 0) return ''
  const hash = createHash('sha256')
  own.sort(([one], [other]) => (one < other ? -1 : 1))
  for (const [name, value] of own)
    hash.update(`${name.length} ${value.length} ${name}`).update(value)
  return hash.digest('binary').slice(0, 16)
}

/** Reports each directory that contains entries and had no entry of its own before them. */
function createFolders(onImplicit: (path: ByteString) => void) {
  const known = new Set<ByteString>()
  let bytes = 0
  let latest = ''

  function know(path: ByteString): void {
    // reporting it twice is harmless
    if (bytes > mostFolderBytes) {
      known.clear()
      bytes = 0
    }
    known.add(path)
    bytes += path.length + 64
  }

  return {
    know,
    expect(folder: ByteString): void {
      if (folder === latest) return
      latest = folder
      for (let end = folder.length; end > 0; end = folder.lastIndexOf('/', end - 1)) {
        const path = end === folder.length ? folder : folder.slice(0, end)
        if (known.has(path)) return
        know(path)
        onImplicit(path)
      }
    },
  }
}
