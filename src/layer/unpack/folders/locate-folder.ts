import {lstatSync, realpathSync} from 'node:fs'
import {basename, dirname, resolve} from 'node:path'
import {errnoOf, localIoError} from '../../../disk/local-io-error.js'
import {LocalIoError, PreconditionError} from '../../../errors.js'
import {type ByteString, display, fromText, toPath} from '../../byte-string.js'
import {
  hasDescriptorLinks,
  type OpenFolder,
  openFolder,
  pathOf,
  refuseSharedWay,
  isSameInode,
} from './open-folder.js'

/** A folder, which may be missing, by the folder that it is in. */
export interface LocatedFolder {
  readonly parent: OpenFolder
  readonly parentPath: ByteString
  readonly name: ByteString
}

/** As many links as Linux follows on the way to one file. */
const mostLinks = 40

/**
 * Finds `directory` name by name, each opened before the next is looked at. A link as the last name
 * is refused unless `follow` is set. Root also refuses links on the way that another user made or
 * could have made: they may lead anywhere. Throws `LocalIoError`, and `PreconditionError` for the
 * root directory.
 */
export function locateFolder(directory: string, follow: boolean): LocatedFolder {
  try {
    return hasDescriptorLinks() ? walkTo(directory, follow) : locateByPath(directory, follow)
  } catch (error) {
    throw localIoError(error, 'unpack into', directory)
  }
}

function walkTo(directory: string, follow: boolean): LocatedFolder {
  let names = namesOf(fromText(directory))
  let current = openFolder(directory.startsWith('/') ? '/' : '.')
  let links = 0
  try {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const found = current.find(name)
      const isLast = names.length === 0
      if (found === undefined && isLast) return missing(current, name)
      if (found?.isSymbolicLink() === true) {
        if (isLast && links === 0 && !follow) throw isLink(directory)
        if (++links > mostLinks) throw notADirectory(directory)
        refuseForeignLink(current, name, found.uid)
        const target = current.readLink(name)
        names = [...namesOf(target), ...names]
        if (target.startsWith('/')) current = instead(current, openFolder('/'))
        // a missing target is an error: nobody could say what the link was meant for
        if (isLast) refuseMissing(current, names, directory)
        continue
      }
      if (found !== undefined && !found.isDirectory()) throw notADirectory(directory)
      current = instead(current, current.open(name))
    }
    return existing(current, directory)
  } catch (error) {
    current.close()
    throw error
  }
}

/** By the folder above the open one, whose name there is asked of the kernel. */
function existing(folder: OpenFolder, directory: string): LocatedFolder {
  const path = pathOf(folder) ?? ''
  const [parentPath, name] = split(path)
  const parent = folder.open('..')
  const [ours, found] = [folder.stat(), parent.find(name)]
  if (!found || !isSameInode(found, ours)) {
    parent.close()
    throw new LocalIoError(
      'ERR_INJECT_DIRECTORY_CHANGED',
      `somebody moved ${JSON.stringify(directory)} while it was opened`,
      {hint: 'run again'},
    )
  }
  folder.close()
  return {parent, parentPath, name}
}

function missing(parent: OpenFolder, name: ByteString): LocatedFolder {
  return {parent, parentPath: pathOf(parent) ?? '', name}
}

/**
 * Without descriptors to work in: only where nobody else can change what the path leads through.
 */
function locateByPath(directory: string, follow: boolean): LocatedFolder {
  const path = resolve(directory)
  const found = lstatSync(path, {throwIfNoEntry: false})
  if (found?.isSymbolicLink() === true && !follow) throw isLink(directory)
  if (found?.isDirectory() === false && !found.isSymbolicLink()) throw notADirectory(directory)
  const real =
    found === undefined
      ? `${realpathSync(dirname(path)).replace(/\/$/, '')}/${basename(path)}`
      : realpathSync(path)
  const [parentPath, name] = split(fromText(real))
  refuseSharedWay(found === undefined ? parentPath : fromText(real))
  return {parent: openFolder(parentPath), parentPath, name}
}

function split(path: ByteString): [parent: ByteString, name: ByteString] {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  if (name === '') {
    throw new PreconditionError(
      'ERR_INJECT_DIRECTORY_IS_ROOT',
      'the root directory cannot be replaced',
    )
  }
  return [path.slice(0, slash) || '/', name]
}

function namesOf(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function instead(before: OpenFolder, after: OpenFolder): OpenFolder {
  before.close()
  return after
}

function refuseMissing(folder: OpenFolder, names: readonly ByteString[], directory: string): void {
  try {
    lstatSync(toPath(folder.access(`${names.join('/')}/.`)))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') throw localIoError(error, 'unpack into', directory)
  }
}

/** Root only: others risk no more than their own files. */
function refuseForeignLink(folder: OpenFolder, name: ByteString, owner: number): void {
  if (process.geteuid?.() !== 0) return
  const {uid, mode} = folder.stat()
  const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0
  if (owner === 0 && uid === 0 && !isShared) return
  throw new LocalIoError(
    'ERR_INJECT_DIRECTORY_IS_LINK',
    `${display(name)}, on the way to the directory, is a symbolic link that another user can change`,
    {hint: 'name the directory by a path without that link'},
  )
}

function isLink(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_IS_LINK',
    `${JSON.stringify(directory)} is a symbolic link, and what it leads to would be replaced`,
    {hint: 'name the directory itself, or use --follow if the link is yours'},
  )
}

function notADirectory(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_NOT_A_DIRECTORY',
    `${JSON.stringify(directory)} is not a directory`,
    {hint: 'name a directory, or one that does not exist yet'},
  )
}
