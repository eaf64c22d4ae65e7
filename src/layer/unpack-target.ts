import {lstatSync, readdirSync, realpathSync, renameSync, statSync} from 'node:fs'
import {basename, dirname, resolve} from 'node:path'
import {createHash} from 'node:crypto'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {isDead} from '../disk/owned-name.js'
import {LocalIoError, PreconditionError} from '../errors.js'
import {type ByteString, display, fromText, readable, toPath} from './byte-string.js'
import {refuseMountsBelow} from './refill-reason.js'
import {removeDeep} from './remove-deep.js'

/** The directory that is to be filled, and what runs call the things that they keep near it for a while. */
export interface UnpackTarget {
  /** Absolute, every symlink resolved. */
  readonly path: ByteString
  readonly parent: ByteString
  readonly exists: boolean
  /** New content, complete or not, beside the directory. */
  readonly newPrefix: ByteString
  /** The content before, beside the directory. */
  readonly oldPrefix: ByteString
}

/** New content in the directory itself. */
export const insidePrefix = '.inject-new-'

/**
 * Finds the directory, which may be missing if its parent is not, and puts right what runs left there that were killed: a directory that one of
 * them had moved aside comes back, everything else of theirs goes. Throws `LocalIoError` for what is no directory, and for one with
 * content (`ERR_INJECT_DIRECTORY_NOT_EMPTY`), without `force`; with it, `PreconditionError` for one that something is mounted below.
 */
export async function prepareTarget(
  directory: string,
  {force, onWarning}: {readonly force: boolean; readonly onWarning: (message: string) => void},
): Promise<UnpackTarget> {
  const path = locate(directory)
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  if (name === '') {
    throw new PreconditionError(
      'ERR_INJECT_DIRECTORY_IS_ROOT',
      'the root directory cannot be replaced',
    )
  }
  const parent = path.slice(0, slash) || '/'
  const [newPrefix, oldPrefix] = [
    `.${shortened(name)}.inject-new-`,
    `.${shortened(name)}.inject-old-`,
  ]
  restore(path, parent, oldPrefix, onWarning)
  // what comes back may have mounts, too; where there was nothing to come back, nothing has been done yet
  if (force) refuseMountsBelow(path)
  const exists = lstatSync(toPath(path), {throwIfNoEntry: false}) !== undefined
  await clear(parent, newPrefix)
  await clear(parent, oldPrefix)
  if (exists) {
    await clear(path, insidePrefix)
    if (contentOf(path).length > 0 && !force) throw notEmpty(directory)
  }
  return {path, parent, exists, newPrefix, oldPrefix}
}

/** Names in the directory, as bytes. Throws `LocalIoError` when another run that still lives is filling it. */
export function contentOf(path: ByteString, own?: ByteString): ByteString[] {
  let names: ByteString[]
  try {
    names = readdirSync(toPath(path), {encoding: 'latin1'})
  } catch (error) {
    throw localIoError(error, 'read directory', readable(path))
  }
  const others = names.filter((name) => name !== own)
  if (others.some((name) => /^\.inject-new-\d+-\d+-/.test(name))) {
    throw new LocalIoError(
      'ERR_INJECT_DIRECTORY_BUSY',
      `another run is filling ${display(path)}, or one on another machine was killed`,
      {hint: `wait for it, or remove the folder ${insidePrefix}… in the directory`},
    )
  }
  return others
}

/** A symlink to a directory stands for it; one to nowhere is an error, since nobody could say what it was meant for. */
function locate(directory: string): ByteString {
  try {
    const path = realpathSync(directory, {encoding: 'buffer'})
    if (!statSync(path).isDirectory()) {
      throw new LocalIoError(
        'ERR_INJECT_NOT_A_DIRECTORY',
        `${JSON.stringify(directory)} is not a directory`,
      )
    }
    return path.toString('latin1')
  } catch (error) {
    const isAbsent =
      errnoOf(error) === 'ENOENT' && lstatSync(directory, {throwIfNoEntry: false}) === undefined
    if (!isAbsent) throw localIoError(error, 'unpack into', directory)
  }
  const path = resolve(directory)
  try {
    const parent = realpathSync(dirname(path), {encoding: 'buffer'}).toString('latin1')
    return `${parent === '/' ? '' : parent}/${fromText(basename(path))}`
  } catch (error) {
    throw localIoError(error, 'unpack into', directory)
  }
}

/** Only what is ours comes back: in a folder like /tmp anybody can make something of that name. */
function restore(
  path: ByteString,
  parent: ByteString,
  oldPrefix: ByteString,
  onWarning: (message: string) => void,
): void {
  if (lstatSync(toPath(path), {throwIfNoEntry: false}) !== undefined) return
  const found = leftovers(parent, oldPrefix).sort((a, b) => b.changed - a.changed)
  const newest = found.find(({isOurs}) => isOurs)
  if (newest === undefined) {
    // root moves other users' directories aside, too
    const [other] = found
    if (other) onWarning(`${display(other.path)} is left alone: it is not a directory of this user`)
    return
  }
  try {
    renameSync(toPath(newest.path), toPath(path))
  } catch (error) {
    throw localIoError(error, 'bring back', readable(path))
  }
  onWarning(`${display(path)} is back, which a run that was killed had moved aside`)
}

async function clear(folder: ByteString, prefix: ByteString): Promise<void> {
  for (const {path, isOurs} of leftovers(folder, prefix)) {
    // what cannot be removed is no reason to fail the work at hand
    if (isOurs) await removeDeep(path).catch(() => undefined)
  }
}

interface Leftover {
  readonly path: ByteString
  readonly changed: number
  /** A directory of this user's, and no link to one. */
  readonly isOurs: boolean
}

/** What runs that have ended left in `folder`, by its name: somebody else may have made it up. */
function leftovers(folder: ByteString, prefix: ByteString): Leftover[] {
  let names: ByteString[]
  try {
    names = readdirSync(toPath(folder), {encoding: 'latin1'})
  } catch {
    return []
  }
  return names.flatMap((name) => {
    if (!name.startsWith(prefix)) return []
    const path = `${folder}/${name}`
    const stat = lstatSync(toPath(path), {throwIfNoEntry: false})
    if (stat === undefined || !isDead(name, prefix, Date.now() - stat.mtimeMs)) return []
    const isOurs = stat.isDirectory() && stat.uid === (process.geteuid?.() ?? stat.uid)
    return [{path, changed: stat.ctimeMs, isOurs}]
  })
}

/** Leaves room for what comes behind it, and stays another one for another name. */
function shortened(name: ByteString): ByteString {
  if (name.length <= 150) return name
  return `${name.slice(0, 100)}~${createHash('sha256').update(name).digest('hex').slice(0, 16)}`
}

function notEmpty(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    `${JSON.stringify(directory)} is not empty`,
    {hint: 'say --force to replace what is in it'},
  )
}
