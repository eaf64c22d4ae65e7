import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
} from 'node:fs'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {type ByteString, display, fromText, readable, toPath} from '../byte-string.js'
import {
  describeFile,
  type DescribeOptions,
  type FoundFile,
  readsAttributes,
} from './describe-file.js'
import {createInodeGroups} from './inode-groups.js'
import {type ListedName, mayBeOpaque, withMarks} from './overlay-marks.js'
import {readAttributes} from './xattrs/read-xattrs.js'
import {changed} from './file-state.js'
import {isSame, openFlags} from './unchanged-file.js'
import {isReservedName} from '../reserved-name.js'
import {deepestPath} from '../limits.js'
import type {SharedWalk, WalkedEntry} from './walked-entry.js'
import {walkedLink} from './walked-link.js'
import type {Entry} from '../entry.js'
import {isWhiteout} from '../whiteout.js'
import {leftover, tooDeep, unwantedWhiteout} from './refused-paths.js'

export interface WalkOptions extends DescribeOptions {
  /**
   * Where in the image the directory belongs: `/`, or a clean absolute path such as `/opt/models`.
   */
  readonly path: string
  /** Names that start with `.wh.` delete files of the image: refused unless set. */
  readonly whiteouts?: boolean | undefined
  /** Paths relative to the directory, directories with a trailing `/`. */
  readonly isExcluded?: ((path: ByteString) => boolean) | undefined
  /**
   * Only what is below this directory, relative to the other one, without an entry for itself. Hard
   * links are entries by themselves then, all of the group 0: what they link to may be elsewhere.
   */
  readonly within?: ByteString | undefined
  /** Not with the detail `content`. */
  readonly shared?: SharedWalk | undefined
  /** Hard links do not say what they would be alone. */
  readonly areLinksBare?: boolean | undefined
}

/** A directory. */
interface Walked {
  /** Relative to the root, with a trailing `/`; empty for the root. */
  readonly relative: ByteString
  /** How the kernel is told of it. */
  readonly access: ByteString
  readonly stat: BigIntStats
  readonly descriptor?: number | undefined
}

interface Frame extends Walked {
  readonly names: readonly ListedName[]
  /** Of names. V8 compiles the walk once more for arrays that are empty, if they are looked at. */
  readonly count: number
  next: number
}

/**
 * Paths for the kernel stay below PATH_MAX (4,096): deeper directories are reached through an open
 * descriptor.
 */
const longestAccess = 3_500

/**
 * Bytes of a path that the kernel is told as a whole, with the directory's own before it. A longer
 * one may be told in pieces, which hold as long as the walk is there only.
 */
export const longestWholePath = 2500

/**
 * Everything below `directory` (a real path, not a symlink) in the order of a layer: parents before
 * children, names sorted bytewise, so that the order depends on nothing but the names. The
 * directory itself is an entry only when it has a place (`path` is not `/`): an entry for the
 * image's root would change its mode and owner.
 *
 * Synchronous on purpose: a promise per file costs several times what the file costs. Throws
 * `LocalIoError` when something vanishes, cannot be read, or a directory changes while its content
 * is walked, and `UnsafeContentError` for whiteouts.
 */
export function* walk(directory: string, options: WalkOptions): Generator<WalkedEntry> {
  const {within} = options
  const prefix = prefixOf(options.path)
  const names = namesOf(prefix) + (within === undefined ? 0 : namesOf(`${within}/`))
  const opensFiles = options.detail === 'content'
  const linkOptions = {...options, detail: 'names', onWarning: undefined} as const
  const inodes = options.shared?.inodes ?? createInodeGroups()
  const frames: Frame[] = []
  /** Of the file that the walk is at. */
  let opened: number | undefined
  /** What others know of that: once the walk has gone on, the number may be another file's. */
  let current: {descriptor?: number | undefined} | undefined
  /** Whether the last file was another name of one before: the next one often is, too. */
  let isLink = false as boolean
  try {
    const top = fromText(directory)
    const root = within === undefined ? enter(top, '') : enter(`${top}/${within}`, `${within}/`)
    frames.push(root)
    if (prefix && within === undefined)
      yield describeFile({stat: root.stat, path: prefix.slice(0, -1), access: root.access}, options)
    for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
      close()
      if (frame.next === frame.count) {
        leave(frame)
        frames.pop()
        continue
      }
      const next = frame.names[frame.next++] as ListedName
      const name = next.layerName
      const relative = frame.relative + name
      const isMark = next.name !== name
      // the mark of an opaque directory is the directory itself
      const access = next.name === undefined ? frame.access : `${frame.access}/${next.name}`
      if (next.isFile && options.detail === 'directories') continue
      const isFile = opensFiles && next.isFile
      // nothing is opened that is left out
      if (isFile && options.isExcluded?.(relative)) continue
      // a hard link is not read, so opening it would be for nothing
      const stat = isFile && !isLink ? open(access, relative) : lstat(access, relative)
      const type = Number(stat.mode) & constants.S_IFMT
      const isDirectory = type === constants.S_IFDIR && !isMark
      const isAsked = isFile && !isDirectory
      if (!isAsked && options.isExcluded?.(isDirectory ? `${relative}/` : relative)) continue
      if (isReservedName(name)) throw leftover(relative)
      if (frames.length + names > deepestPath) throw tooDeep(relative)
      if (isWhiteout(name) && !options.whiteouts) throw unwantedWhiteout(relative)
      if (isMark) {
        yield whiteout(stat, prefix + relative)
        continue
      }
      if (type === constants.S_IFSOCK) {
        options.onWarning?.(`${display(relative)} is a socket, which a layer cannot hold: left out`)
        continue
      }
      if (isDirectory) {
        const attributes = readsAttributes(options, type)
          ? readAttributes(access, options.onWarning)
          : undefined
        yield describeFile({stat, path: prefix + relative, access, attributes}, options)
        const known = {stat, attributes: attributes?.names}
        const inside = mayBeOpaque(known.attributes)
          ? undefined
          : options.shared?.walkedAlready(relative, stat)
        if (inside) {
          yield* inside
          checkStill({relative: `${relative}/`, access, stat})
        } else frames.push(enter(access, `${relative}/`, known))
      } else yield entryOf(stat, prefix + relative, access)
    }
  } finally {
    close()
    for (const frame of frames) if (frame.descriptor !== undefined) closeSync(frame.descriptor)
  }

  function enter(
    access: ByteString,
    relative: ByteString,
    known?: {readonly stat: BigIntStats; readonly attributes: readonly string[] | undefined},
  ): Frame {
    const stat = known?.stat ?? lstat(access, relative)
    let descriptor: number | undefined
    try {
      let short = access
      if (access.length > longestAccess) {
        descriptor = openSync(
          toPath(access),
          constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
        )
        short = `/proc/self/fd/${descriptor}`
      }
      const names = namesIn(short, known?.attributes)
      return {relative, access: short, names, count: names.length, stat, descriptor, next: 0}
    } catch (error) {
      if (descriptor !== undefined) closeSync(descriptor)
      throw localIoError(error, 'read directory', readable(relative || access))
    }
  }

  function namesIn(
    folder: ByteString,
    attributes: readonly string[] | undefined,
  ): readonly ListedName[] {
    const entries = readdirSync(toPath(folder), {encoding: 'latin1', withFileTypes: true})
    const names = withMarks(folder, entries, attributes)
    names.sort((one, other) => bytewise(one.layerName, other.layerName))
    return names
  }

  /** An empty file under a name that deletes. */
  function whiteout(stat: BigIntStats, path: ByteString): WalkedEntry {
    const quiet = {...options, detail: 'names', onWarning: undefined} as const
    const {mtime, uid, gid} = describeFile({stat, path, access: ''}, quiet).entry
    return {entry: {kind: 'file', size: 0, path, mode: 0o644, uid, gid, mtime, xattrs: undefined}}
  }

  /**
   * What is not a file any more, or cannot be opened, is looked at: reading it says what is
   * wrong with it.
   */
  function open(access: ByteString, relative: ByteString): BigIntStats {
    try {
      opened = openSync(toPath(access), openFlags)
    } catch {
      return lstat(access, relative)
    }
    const stat = fstatSync(opened, {bigint: true})
    if ((Number(stat.mode) & constants.S_IFMT) === constants.S_IFREG) return stat
    close()
    return lstat(access, relative)
  }

  function close(): void {
    if (current) current.descriptor = undefined
    current = undefined
    if (opened !== undefined) closeSync(opened)
    opened = undefined
  }

  function leave(frame: Frame): void {
    checkStill(frame)
    if (frame.descriptor !== undefined) closeSync(frame.descriptor)
  }

  /**
   * A directory whose times moved while its content was walked gained, lost or renamed something.
   */
  function checkStill({access, relative, stat, descriptor}: Walked): void {
    const now =
      descriptor === undefined ? lstat(access, relative) : fstatSync(descriptor, {bigint: true})
    if (!isSame(now, stat)) throw changed(relative || fromText(directory))
  }

  function lstat(access: ByteString, relative: ByteString): BigIntStats {
    try {
      return lstatSync(toPath(access), {bigint: true})
    } catch (error) {
      if (relative && errnoOf(error) === 'ENOENT') throw changed(relative)
      throw localIoError(error, 'read', readable(relative || access))
    }
  }

  /** Of several names of one file, all but the first are hard links to that. */
  function entryOf(stat: BigIntStats, path: ByteString, access: ByteString): WalkedEntry {
    isLink = false
    const names = Number(stat.nlink)
    if (names <= 1) return describeOpened({stat, path, access, descriptor: opened})
    if (within !== undefined)
      return {...describeFile({stat, path, access}, options), shared: {names, group: 0}}
    const {group, first: target} = inodes.find(stat, path)
    const shared = {names, group}
    if (target === path)
      return {...describeOpened({stat, path, access, descriptor: opened}), shared}
    isLink = true
    const found = {stat, path, access}
    const {mode, uid, gid, mtime} = describeFile(found, linkOptions).entry
    const entry: Entry = {kind: 'hardlink', target, path, mode, uid, gid, mtime, xattrs: undefined}
    if (options.areLinksBare === true) return {entry, shared}
    if (stat.isFile() && !readsAttributes(options, constants.S_IFREG))
      return {entry, shared, alone: describeFile(found, options)}
    return walkedLink(entry, shared, () => describeFile(found, options))
  }

  function describeOpened(found: FoundFile): WalkedEntry {
    const walked = describeFile(found, options)
    if (opened !== undefined) current = walked.file
    return walked
  }
}

/** In a path that ends with `/`, or is empty. */
function namesOf(path: ByteString): number {
  return path.split('/').length - 1
}

/** What paths of entries have before their paths in a directory with this place in the image. */
export function prefixOf(place: string): ByteString {
  return place === '/' ? '' : `${fromText(place.slice(1))}/`
}

function bytewise(a: ByteString, b: ByteString): number {
  return a < b ? -1 : a > b ? 1 : 0
}
/** New content in the directory itself. */
export const insidePrefix = '.inject-new-'
