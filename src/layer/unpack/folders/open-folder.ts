import {
  chmodSync,
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs'
import {LocalIoError} from '../../../errors.js'
import {type ByteString, display, toPath} from '../../byte-string.js'
import {isShared} from '../../folder-mark.js'

/**
 * A folder held open. What is done through it is done in this folder, whatever others do to the
 * names that lead to it. Each name is one name, not a path, and a link of that name is never
 * followed. Errors are the system's own.
 */
export interface OpenFolder {
  readonly descriptor: number
  /** How the kernel is told of what is in it; `.` is the folder itself. */
  access(name: ByteString): ByteString
  stat(): Stats
  /** What has the name in it, links as links; `undefined` for nothing. */
  find(name: ByteString): Stats | undefined
  names(): ByteString[]
  entries(): Dirent[]
  /** Opens a folder in it, or the one above it by `..`. */
  open(name: ByteString): OpenFolder
  readLink(name: ByteString): ByteString
  makeFolder(name: ByteString): void
  rename(name: ByteString, to: OpenFolder, newName: ByteString): void
  unlink(name: ByteString): void
  removeFolder(name: ByteString): void
  /** Of the folder itself, which need not be readable. */
  chmod(mode: number): void
  close(): void
}

/** What tells a file or folder apart from all others that are there. */
export type Identity = Pick<Stats, 'dev' | 'ino'>

export function isSameInode(one: Identity, other: Identity): boolean {
  return one.ino === other.ino && one.dev === other.dev
}

const {O_DIRECTORY, O_NOFOLLOW, O_RDONLY} = constants
/** Linux's O_PATH, which Node does not name: opens what we are not allowed to read. */
const pathOnly = process.platform === 'linux' ? 0o10000000 : O_RDONLY
/** For a folder whose content is not read through the descriptor. */
const folderFlags = pathOnly | O_DIRECTORY | O_NOFOLLOW

/**
 * Opens a folder by its path. Links on the way to it are followed, but the last name must not be
 * one.
 */
export function openFolder(path: ByteString): OpenFolder {
  return heldOpen(openSync(toPath(path), folderFlags), path)
}

/** A path for what a descriptor holds open; `undefined` if the system has no such thing. */
export function descriptorLink(descriptor: number): ByteString | undefined {
  return hasDescriptorLinks() ? `/proc/self/fd/${descriptor}` : undefined
}

let hasLinks: boolean | undefined

/** Whether open folders can be worked in by descriptor. Without, paths are all there is. */
export function hasDescriptorLinks(): boolean {
  hasLinks ??= existsSync('/proc/self/fd/0') || existsSync('/proc/self/fd/1')
  return hasLinks
}

/**
 * For systems without `/proc`, where work in a folder goes by its path: throws `LocalIoError`
 * unless the folder, and each one above it, belongs to this user or root and nobody else can rename
 * what is in it.
 */
export function refuseSharedWay(path: ByteString): void {
  for (let folder = path; ; folder = above(folder)) {
    if (isShared(lstatSync(toPath(folder)))) {
      throw new LocalIoError(
        'ERR_INJECT_DIRECTORY_SHARED',
        `other users can change ${display(folder)}, and without /proc nothing there can be replaced safely`,
        {hint: 'mount /proc, or use a folder that only you and root can write to'},
      )
    }
    if (folder === '/') return
  }
}

function above(path: ByteString): ByteString {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** Takes over the descriptor. */
function heldOpen(descriptor: number, path: ByteString): OpenFolder {
  const base = descriptorLink(descriptor) ?? path
  const access = (name: ByteString): ByteString => `${base}/${name}`
  const at = (name: ByteString): string | Buffer => toPath(access(name))
  return {
    descriptor,
    access,
    stat: () => fstatSync(descriptor),
    find: (name) => lstatSync(at(name), {throwIfNoEntry: false}),
    names: () => readdirSync(at('.'), {encoding: 'latin1'}),
    entries: () => readdirSync(at('.'), {encoding: 'latin1', withFileTypes: true}),
    open: (name) =>
      heldOpen(openSync(at(name), folderFlags), name === '..' ? above(path) : `${path}/${name}`),
    readLink: (name) => readlinkSync(at(name), {encoding: 'latin1'}),
    makeFolder: (name) => {
      mkdirSync(at(name), 0o700)
    },
    rename: (name, to, newName) => renameSync(at(name), toPath(to.access(newName))),
    unlink: (name) => unlinkSync(at(name)),
    removeFolder: (name) => rmdirSync(at(name)),
    chmod: (mode) => chmodSync(toPath(base), mode),
    close: () => closeSync(descriptor),
  }
}

/** Where an open folder is now, every link resolved; `undefined` without `/proc`. */
export function pathOf(folder: OpenFolder): ByteString | undefined {
  const link = descriptorLink(folder.descriptor)
  return link === undefined ? undefined : readlinkSync(link, {encoding: 'latin1'})
}
