import {constants} from 'node:fs'
import {copyFile, link, open} from 'node:fs/promises'
import {errnoOf, localIoError} from '../disk/local-io-error.js'

/**
 * What says that a file cannot have another name there: other file systems, too many links, file
 * systems and systems without any.
 */
const linkless: readonly string[] = [
  'EXDEV',
  'EMLINK',
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
]

/**
 * Makes `target`, which must not be there, the same file as `source`, by a hard link; where that
 * cannot be a copy, which shares its blocks where the file system can do that. Throws
 * `LocalIoError`.
 */
export async function placeFile(source: string, target: string): Promise<void> {
  try {
    await link(source, target).catch(async (error: unknown) => {
      if (!linkless.includes(errnoOf(error) ?? '')) throw error
      await copyFile(source, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      await syncFile(target)
    })
  } catch (error) {
    throw localIoError(error, 'write', target)
  }
}

async function syncFile(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
