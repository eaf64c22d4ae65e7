import {type FileHandle, open, stat} from 'node:fs/promises'
import {isAbsent} from '../../disk/error-answers.js'
import {errnoOf, localIoError} from '../../disk/local-io-error.js'
import {LocalIoError} from '../../errors.js'
import {quoted} from '../../oci/quoted.js'

/** A folder that is told from every other one for as long as it is held, wherever it is moved. */
export interface HeldRoot {
  /**
   * Throws `LocalIoError` (`ERR_INJECT_ROOT_GONE`) while another folder, or none, is where this one
   * was opened.
   */
  readonly check: () => Promise<void>
  close(): Promise<void>
}

/**
 * Holds the folder at `directory` by a descriptor: as long as that is open, the system gives its
 * inode number to no other folder. Throws `LocalIoError`.
 */
export async function holdFolder(directory: string): Promise<HeldRoot> {
  const handle = await openFolder(directory)
  const own = await handle.stat({bigint: true})
  return {
    async check() {
      const found = await stat(directory, {bigint: true}).catch((error: unknown) => {
        if (isAbsent(error) || errnoOf(error) === 'ENOTDIR')
          throw gone(directory, 'is not there any more', error)
        throw localIoError(error, 'read', directory)
      })
      if (found.dev !== own.dev || found.ino !== own.ino)
        throw gone(directory, 'is another folder now')
    },
    close: () => handle.close(),
  }
}

async function openFolder(directory: string): Promise<FileHandle> {
  try {
    return await open(directory, 'r')
  } catch (error) {
    throw localIoError(error, 'read', directory)
  }
}

function gone(directory: string, why: string, cause?: unknown): LocalIoError {
  return new LocalIoError('ERR_INJECT_ROOT_GONE', `the folder ${quoted(directory)} ${why}`, {
    cause,
    hint: 'mount it again, or move it back',
  })
}
