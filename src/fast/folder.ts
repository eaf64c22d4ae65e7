import {lstat, mkdir, rename, rm, rmdir} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {ifAbsent, ifUnfit, quietly} from '../disk/error-answers.js'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {localIoError} from '../disk/local-io-error.js'
import {withLock} from '../disk/lock.js'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {removeTree} from '../disk/remove-tree.js'
import {syncFolder} from '../disk/temp-file.js'
import {LocalIoError} from '../errors.js'
import {algorithmOf, digestOf, isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {readFileStream} from '../disk/read-file.js'
import {manifestLimit} from '../oci/manifest-kind.js'
import {readAll} from '../stream/limit.js'
import {fastFiles, fastPrefix, isFastFile} from './files.js'
import {listFolder} from '../disk/names-in.js'

/**
 * Fills a folder with the files of an image, which `fill` writes into a folder inside it, and
 * removes those of an earlier image. The file `digest` goes before anything else is touched, and
 * comes when all else is there and durable: at every instant, and after any crash, a folder that
 * has it has one whole image. Files of other names stay. Throws `LocalIoError`: for a folder that
 * holds something else (`ERR_INJECT_DIRECTORY_NOT_EMPTY`), and where it cannot be written.
 */
export async function fillFastFolder<T>(
  directory: string,
  fill: (staging: string) => Promise<T>,
): Promise<T> {
  const isNew = await prepare(directory)
  const staging = join(directory, ownedName(fastPrefix))
  try {
    await mkdir(staging, 0o700).catch((error: unknown) => {
      throw localIoError(error, 'write', directory)
    })
    const result = await fill(staging)
    // of two that end at once, one has the last word, as a whole
    await withLock(lockOf(directory), ({confirm}) => publish(staging, directory, confirm))
    return result
  } finally {
    await quietly(removeTree(staging))
    // only if nothing is in it
    if (isNew) await quietly(rmdir(directory))
  }
}

/** Whether the folder was made now. */
async function prepare(directory: string): Promise<boolean> {
  const names = await listFolder(directory)
  if (names === undefined) {
    try {
      await mkdir(directory, {recursive: true})
    } catch (error) {
      throw localIoError(error, 'create', directory)
    }
    await syncFolder(dirname(directory))
    return true
  }
  // where another run may be replacing files at this moment, what is seen between two of them says
  // nothing
  const isAccepted =
    (await isOurs(directory)) ||
    (names.some(isOwnName) && (await withLock(lockOf(directory), () => isOurs(directory))))
  if (!isAccepted) throw occupied(directory)
  // before anything is fetched
  await refuseObstacles(directory)
  await clearDead(directory, fastPrefix)
  return false
}

/**
 * Whether a folder has nothing in it but what a run began, an earlier image, or what a run left
 * that did not end.
 */
async function isOurs(directory: string): Promise<boolean> {
  if (await holdsImage(directory)) return true
  const names = (await listFolder(directory)) ?? []
  return names.includes(fastFiles.unfinished) || names.every(isOwnName)
}

/**
 * Whether `digest` is that of the manifest beside it: other things have files of that name, too.
 */
async function holdsImage(directory: string): Promise<boolean> {
  const read = (name: string, limit: number): Promise<Uint8Array> =>
    readAll(readFileStream(join(directory, name)), limit, name)
  try {
    const marker = Buffer.from(await read(fastFiles.marker, 1024)).toString('latin1')
    const digest = marker.trimEnd()
    if (!isDigest(digest)) return false
    return digestOf(await read(fastFiles.manifest, manifestLimit), algorithmOf(digest)) === digest
  } catch (error) {
    return ifUnfit(false)(error)
  }
}

/**
 * What no file can be renamed to, or removed as one, is better known while the old image is whole.
 */
async function refuseObstacles(directory: string): Promise<void> {
  for (const name of ((await listFolder(directory)) ?? []).filter(isFastFile)) {
    const path = join(directory, name)
    const stats = await lstat(path).catch(ifAbsent(undefined))
    if (stats?.isDirectory()) throw obstructed(path)
  }
}

async function publish(
  staging: string,
  directory: string,
  confirm: () => Promise<void>,
): Promise<void> {
  const written = (await listFolder(staging)) ?? []
  const marker = join(directory, fastFiles.marker)
  const unfinished = join(directory, fastFiles.unfinished)
  await refuseObstacles(directory)
  try {
    await syncFolder(staging)
    // a run that fails from here on, or is killed, does not shut the folder for the next ones
    await writeFileAtomic(unfinished, '', {prefix: fastPrefix, check: confirm})
    await rm(marker, {force: true})
    await syncFolder(directory)
    for (const name of (await listFolder(directory)) ?? [])
      if (isFastFile(name) && !written.includes(name)) await rm(join(directory, name))
    await confirm()
    for (const name of written)
      if (name !== fastFiles.marker) await rename(join(staging, name), join(directory, name))
    await syncFolder(directory)
    await confirm()
    await rename(join(staging, fastFiles.marker), marker)
    await syncFolder(directory)
    await rm(unfinished, {force: true})
  } catch (error) {
    throw localIoError(error, 'write', directory)
  }
}

function lockOf(directory: string): string {
  return join(directory, `${fastPrefix}lock`)
}

function isOwnName(name: string): boolean {
  return name.startsWith(fastPrefix)
}

function obstructed(path: string): LocalIoError {
  const message = `cannot write ${quoted(path)}: it is a directory`
  return new LocalIoError('ERR_INJECT_LOCAL_IO', message, {hint: 'move it elsewhere'})
}

function occupied(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    `${quoted(directory)} holds something else than an image`,
    {hint: 'name a new folder, an empty one, or one of an earlier save'},
  )
}
