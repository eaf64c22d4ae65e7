import {mkdir, rename, rm, rmdir} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {withLock} from '../disk/lock.js'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {removeTree} from '../disk/remove-tree.js'
import {syncFolder} from '../disk/temp-file.js'
import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {fastFiles, fastPrefix, isFastFile, listFolder} from './fast-files.js'

/**
 * Fills a folder with the files of an image, which `fill` writes into a folder inside it, and removes those of an earlier image. The file `digest` goes before anything else is touched, and comes when all
 * else is there and durable: at every instant, and after any crash, a folder that has it has one whole image. Files of other names stay. Throws `LocalIoError`: for a folder
 * that holds something else (`ERR_INJECT_DIRECTORY_NOT_EMPTY`), and where it cannot be written.
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
    await withLock(join(directory, `${fastPrefix}lock`), () => publish(staging, directory))
    return result
  } finally {
    await removeTree(staging).catch(() => undefined)
    // only if nothing is in it
    if (isNew) await rmdir(directory).catch(() => undefined)
  }
}

/** Whether the folder was made now. What a killed run has left in one shows that it is ours, too. */
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
  const isOurs = names.some((name) => name === fastFiles.marker || name.startsWith(fastPrefix))
  if (names.length > 0 && !isOurs) throw occupied(directory)
  await clearDead(directory, fastPrefix)
  return false
}

async function publish(staging: string, directory: string): Promise<void> {
  const written = (await listFolder(staging)) ?? []
  const marker = join(directory, fastFiles.marker)
  try {
    await syncFolder(staging)
    await rm(marker, {force: true})
    await syncFolder(directory)
    for (const name of (await listFolder(directory)) ?? [])
      if (isFastFile(name) && !written.includes(name)) await rm(join(directory, name))
    for (const name of written)
      if (name !== fastFiles.marker) await rename(join(staging, name), join(directory, name))
    await syncFolder(directory)
    await rename(join(staging, fastFiles.marker), marker)
    await syncFolder(directory)
  } catch (error) {
    throw localIoError(error, 'write', directory)
  }
}

function occupied(directory: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    `${quoted(directory)} holds something else than an image`,
    {hint: 'name a new folder, an empty one, or one of an earlier save'},
  )
}
