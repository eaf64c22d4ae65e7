import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  lstatSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs'
import {setImmediate as turn} from 'node:timers/promises'
import {errnoOf} from '../disk/local-io-error.js'
import {type ByteString, toPath} from './byte-string.js'

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/** How many files are removed before anything else has its turn. */
const atATime = 500

/**
 * Removes a file, or a directory with all that is in it; nothing there is fine. Unlike `fs.rm` it goes through open directories, so that
 * neither somebody who swaps a directory for a symlink meanwhile nor paths beyond PATH_MAX lead it astray, and it removes what is in
 * directories of ours that lack the rights for it. Errors are the system's own.
 */
export async function removeDeep(path: ByteString): Promise<void> {
  let count = 0
  await remove(path, lstatSync(toPath(path), {throwIfNoEntry: false})?.isDirectory())

  async function remove(at: ByteString, isDirectory: boolean | undefined): Promise<void> {
    if (isDirectory === undefined) return
    if (!isDirectory) {
      unlinkSync(toPath(at))
      if (++count % atATime === 0) await turn()
      return
    }
    const descriptor = openFolder(at)
    try {
      const link = `/proc/self/fd/${descriptor}`
      const folder = existsSync(link) ? link : at
      const content = readdirSync(toPath(folder), {withFileTypes: true, encoding: 'latin1'})
      if (content.length > 0) fchmodSync(descriptor, 0o700)
      for (const entry of content) await remove(`${folder}/${entry.name}`, entry.isDirectory())
    } finally {
      closeSync(descriptor)
    }
    rmdirSync(toPath(at))
  }
}

function openFolder(path: ByteString): number {
  try {
    return openSync(toPath(path), directoryFlags)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw error
    chmodSync(toPath(path), 0o700)
    return openSync(toPath(path), directoryFlags)
  }
}
