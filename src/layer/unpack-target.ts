import {lstatSync, readdirSync, realpathSync, renameSync, statSync} from 'node:fs'
import {basename, dirname, resolve} from 'node:path'
import {createHash} from 'node:crypto'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {isAbandoned} from '../disk/folder-life.js'
import type {LockTiming} from '../disk/lock-timing.js'
import {isDead, isOwnedName, ownerState} from '../disk/owned-name.js'
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

export interface PrepareOptions {
  readonly force: boolean
  readonly onWarning: (message: string) => void
  readonly signal?: AbortSignal | undefined
  /** How runs show that they live. */
  readonly timing?: LockTiming | undefined
}

/**
 * Finds the directory, which may be missing if its parent is not, and puts right what runs left there that were killed: a directory that one of
 * them had moved aside comes back, everything else of theirs goes. Throws `LocalIoError` for what is no directory, and for one with
 * content (`ERR_INJECT_DIRECTORY_NOT_EMPTY`), without `force`; with it, `PreconditionError` for one that something is mounted below.
 */
export async function prepareTarget(
  directory: string,
  {force, onWarning, signal, timing}: PrepareOptions,
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
    await clearAbandoned(path, {force, onWarning, signal, timing})
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
  if (others.some(isStaging)) {
    throw new LocalIoError('ERR_INJECT_DIRECTORY_BUSY', `another run is filling ${display(path)}`, {
      hint: `wait for it, or remove the folder ${insidePrefix}… in the directory`,
    })
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

function isStaging(name: ByteString): boolean {
  return name.startsWith(insidePrefix) && /^\d+-\d+-/.test(name.slice(insidePrefix.length))
}

/** What a run left in the directory that was killed in another container or on another machine: it shows no sign of life. */
async function clearAbandoned(
  folder: ByteString,
  {onWarning, signal, timing}: PrepareOptions,
): Promise<void> {
  for (const name of readdirSync(toPath(folder), {encoding: 'latin1'})) {
    if (!isOwnedName(name, insidePrefix)) continue
    const path = `${folder}/${name}`
    const stat = lstatSync(toPath(path), {throwIfNoEntry: false})
    if (stat?.uid !== process.geteuid?.()) continue
    if (ownerState(name, insidePrefix) === 'unknown')
      onWarning(
        `looking for up to 45 s whether the run still lives that is filling ${display(path)}`,
      )
    const owner = name.slice(insidePrefix.length)
    if (await isAbandoned(toPath(path), owner, {signal, timing}))
      await removeDeep(path).catch(() => undefined)
  }
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
