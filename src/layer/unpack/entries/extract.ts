import {
  type BigIntStats,
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  linkSync,
  openSync,
  symlinkSync,
  unlinkSync,
} from 'node:fs'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {createMetadataWriter, type KnownMetadata, type Owner} from './apply-metadata.js'
import {type ByteString, display, readable} from '../../byte-string.js'
import type {Entry, EntryMetadata} from '../../entry.js'
import type {WrittenFile} from './layer-witness.js'
import {createHoleWriter, type HoleWriter} from './hole-writer.js'
import {createDirectories} from './kept-directories.js'
import {createLinks} from './links.js'
import {createSpecialFiles, type SpecialEntry} from './special-file.js'
import {temporaryName, type TreeRoot} from '../folders/tree-root.js'
import {unsafePath} from './check-entries.js'
import {createTurn} from '../../../stream/take-turns.js'
import {createPathAttributes, divideAttributes, isUsersAttribute} from './path-attributes.js'
import {createWrittenTree, detached} from './written-tree.js'

/**
 * Writes checked entries into a tree that is nobody else's. Everything is synchronous, one entry
 * after the other.
 */
export interface Extraction {
  /** A later entry replaces an earlier one of the same path. */
  add(entry: Entry): void
  /** Content of the file that was added last. */
  write(bytes: Uint8Array): void
  /** A hole of so many zeros. */
  skip(zeros: number): void
  /** Nothing more of that entry comes. Returns a file with its state, if states are wanted. */
  endEntry(): WrittenFile | undefined
  /** Whether an entry took the place of another one. */
  hasReplaced(): boolean
  /**
   * Gives directories their modes and times, which writing into them would have changed: after all
   * entries. Others get their turn between them; throws the signal's reason once it is aborted.
   */
  finish(signal?: AbortSignal): Promise<void>
  /** What the tree's own directory is to be, apart from the entries. */
  describeRoot(metadata: EntryMetadata): void
  /** Closes what is open, whether or not it came to the end. */
  close(): void
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
const openDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

export interface ExtractionOptions {
  readonly holes?: boolean | undefined
  /** Look at each file when it is written. */
  readonly states?: boolean | undefined
}

/**
 * The entries must have passed `checkEntry`. Nothing outside `root` is touched: a path is written
 * only below directories that are directories, and no link is ever followed. Throws
 * `UnsafeContentError` for entries that would need that, `LocalIoError` for what the disk refuses.
 */
export function createExtraction(
  root: TreeRoot,
  onWarning: (message: string) => void,
  {holes = true, states = false}: ExtractionOptions = {},
): Extraction {
  const tree = createWrittenTree(root)
  const metadataOf = createMetadataWriter(onWarning)
  const attributes = createPathAttributes(root, onWarning)
  const directories = createDirectories()
  const owner = ownerOfNew(root)
  /** What a new file of the mode that it is made with does not get of it. */
  let lostMode = 0o7000
  const link = createLinks(root, tree, applyMetadataTo, onWarning)
  const special = createSpecialFiles(
    () => readable(root.access('')),
    (name) => root.at(name),
    temporaryName,
  )
  let file:
    {readonly descriptor: number; readonly entry: Entry; readonly content: HoleWriter} | undefined

  return {
    add: (entry) => attempt('create', entry.path, () => add(entry)),
    write(bytes) {
      if (file === undefined) throw new Error('no file is being written')
      const {content, entry} = file
      attempt('write', entry.path, () => content.write(bytes))
    },
    skip(zeros) {
      if (file === undefined) throw new Error('no file is being written')
      const {content, entry} = file
      attempt('write', entry.path, () => content.skip(zeros))
    },
    endEntry() {
      if (file === undefined) return undefined
      const {descriptor, entry, content} = file
      const stat = attempt('finish', entry.path, () => {
        content.end()
        return finishFile(descriptor, entry)
      })
      close()
      return stat && {path: root.at(''), stat}
    },
    hasReplaced: () => tree.hasReplaced(),
    async finish(signal) {
      special.close()
      const turn = createTurn(signal)
      for (const metadata of directories.inwardFirst()) {
        attempt('finish', metadata.path, () => finishDirectory(metadata.path, metadata))
        if (turn.isOver()) await turn.giveTurn()
      }
    },
    describeRoot: (metadata) =>
      attempt('finish', metadata.path, () => applyMetadataTo(root.descriptor, '', metadata)),
    close,
  }

  function add(entry: Entry): void {
    tree.enterParent(entry.path, (folder) => directories.keep(implicit(folder)))
    switch (entry.kind) {
      case 'file':
        addFile(entry)
        return
      case 'directory':
        addDirectory({...entry, path: detached(entry.path)})
        return
      case 'symlink':
        tree.place(entry.path, (at) => symlinkSync(Buffer.from(entry.target, 'latin1'), at))
        metadataOf.toPath(root.at(entry.path), entry)
        attributes.set(entry.path, entry.xattrs)
        return
      case 'hardlink':
        addHardLink(entry.path, entry.target)
        return
      default:
        addSpecial(entry)
    }
  }

  function addFile(entry: Entry): void {
    const mode = hasOwnMode(entry) ? entry.mode : 0o600
    const descriptor = tree.place(entry.path, (at) => openSync(at, newFile, mode))
    file = {entry, descriptor, content: createHoleWriter(descriptor, {holes})}
  }

  /**
   * Whether a file is made with its mode, which costs less than setting it. Nobody else can come to
   * the tree, but whether it has the mode must be looked at; and attributes change modes.
   */
  function hasOwnMode({mode, xattrs}: EntryMetadata): boolean {
    return states && (mode & lostMode) === 0 && (xattrs === undefined || xattrs.size === 0)
  }

  function finishFile(descriptor: number, entry: Entry): BigIntStats | undefined {
    applyMetadataTo(descriptor, entry.path, entry, {owner, hasMode: hasOwnMode(entry)})
    if (!states) return undefined
    const stat = fstatSync(descriptor, {bigint: true})
    const mode = Number(stat.mode) & 0o7777
    if (mode === entry.mode) return stat
    // the umask, or an access control list
    lostMode |= entry.mode & ~mode
    fchmodSync(descriptor, entry.mode)
    return fstatSync(descriptor, {bigint: true})
  }

  /** Its attributes are set at once: kept to the end they could be gigabytes. */
  function addDirectory(entry: EntryMetadata): void {
    const {path} = entry
    const isNew = tree.enterDirectory(path)
    const before = isNew ? [] : directories.attributesOf(path)
    if (before.length === 0 && !entry.xattrs) {
      directories.keep(entry)
      return
    }
    const [now, later] = divideAttributes(entry.xattrs)
    if (before.length > 0) attributes.remove(path, before)
    directories.keep({...entry, xattrs: later}, [...now.keys()].filter(isUsersAttribute))
    attributes.set(path, now)
  }

  /** It has no metadata of its own: they are its target's. */
  function addHardLink(path: ByteString, target: ByteString): void {
    const found = tree.leadsThroughDirectories(target) ? tree.stat(target) : undefined
    if (found === undefined || path === target || target.startsWith(`${path}/`)) {
      throw unsafePath(
        `the hard link ${display(path)} names ${display(target)}, which is not there`,
      )
    }
    if (found.isDirectory()) {
      throw unsafePath(`the hard link ${display(path)} names the directory ${display(target)}`)
    }
    link(path, target, found)
  }

  /**
   * Under another name first, because the program that makes it takes text, and a name of ours
   * needs no care.
   */
  function addSpecial(entry: SpecialEntry): void {
    const name = special.make(entry)
    metadataOf.toPath(root.at(name), entry)
    attributes.set(name, entry.xattrs)
    chmodSync(root.at(name), entry.mode)
    tree.place(entry.path, (at) => linkSync(root.at(name), at))
    unlinkSync(root.at(name))
  }

  function finishDirectory(path: ByteString, metadata: EntryMetadata): void {
    // a later entry may have put something else in its place, or in that of a directory above it
    const descriptor = tree.leadsThroughDirectories(path) ? openIfDirectory(path) : undefined
    if (descriptor === undefined) return
    try {
      applyMetadataTo(descriptor, path, metadata, {owner})
    } finally {
      closeSync(descriptor)
    }
  }

  function openIfDirectory(path: ByteString): number | undefined {
    try {
      return openSync(root.at(path), openDirectory)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
      throw error
    }
  }

  function applyMetadataTo(
    descriptor: number,
    path: ByteString,
    metadata: EntryMetadata,
    now?: KnownMetadata,
  ): void {
    metadataOf.toDescriptor(descriptor, metadata, () => attributes.set(path, metadata.xattrs), now)
  }

  function close(): void {
    if (file !== undefined) closeSync(file.descriptor)
    file = undefined
  }
}

/**
 * The owner of new files in the tree: this user, with its group unless the group of the tree's
 * directory is inherited. `undefined` if the two differ.
 */
function ownerOfNew(root: TreeRoot): Owner | undefined {
  const {uid, gid} = fstatSync(root.descriptor)
  return uid === process.geteuid?.() && gid === process.getegid?.() ? {uid, gid} : undefined
}

/**
 * Of a directory that no entry describes: the same in every run, so that packing it gives the same
 * layer.
 */
function implicit(path: ByteString): EntryMetadata {
  const owner = {uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0}
  return {path, mode: 0o755, mtime: 0, xattrs: undefined, ...owner}
}

function attempt<T>(doing: string, path: ByteString, call: () => T): T {
  try {
    return call()
  } catch (error) {
    throw localIoError(error, doing, readable(path))
  }
}
