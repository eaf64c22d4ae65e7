import {lstat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {localIoError} from '../disk/local-io-error.js'
import {openTempFile, writeWhole} from '../disk/temp-file.js'
import {LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {isAbsent} from '../disk/error-answers.js'

import {tarEntries, type TarSink} from './tar-sink.js'

/**
 * A tar that is written under a name of its own, and gets its lasting name when it is whole. What
 * of an entry has been written before that fails is taken back.
 */
export interface TarFile extends TarSink {
  readonly path: string
}

/**
 * Begins to write `target`, which is replaced at the end. Throws `LocalIoError`, also for what is
 * there and is not a regular file.
 */
export async function createTarFile(target: string): Promise<TarFile> {
  await refuseOtherThanFile(target)
  const folder = dirname(target)
  const prefix = `.${basename(target)}.inject-`
  await clearDead(folder, prefix)
  const path = join(folder, ownedName(prefix))
  const file = await openTempFile(path).catch((error: unknown) => {
    throw localIoError(error, 'write', target)
  })
  const {handle, discard} = file
  let end = 0

  const append = async (chunks: readonly Uint8Array[]): Promise<void> => {
    await writeWhole(handle, chunks, end).catch((error: unknown) => {
      throw localIoError(error, 'write', target)
    })
    end += chunks.reduce((sum, {length}) => sum + length, 0)
  }
  const entries = tarEntries({append, position: () => end})
  return {
    path,
    async addFile(name, size, content) {
      const start = end
      try {
        return await entries.addFile(name, size, content)
      } catch (error) {
        end = start
        throw error
      }
    },
    addFolder: entries.addFolder,
    addLink: entries.addLink,
    async commit() {
      try {
        await entries.end()
        // what was taken back may have been longer
        await handle.truncate(end)
      } catch (error) {
        await discard()
        throw localIoError(error, 'write', target)
      }
      await file.commit(target, () => refuseOtherThanFile(target))
    },
    discard,
  }
}

/**
 * A rename would put the file in place of a device, a FIFO or a link, such as /dev/stdout, instead
 * of writing to it.
 */
async function refuseOtherThanFile(target: string): Promise<void> {
  const stats = await lstat(target).catch((error: unknown) => {
    if (isAbsent(error)) return undefined
    throw localIoError(error, 'write', target)
  })
  if (stats === undefined || stats.isFile()) return
  const reason = stats.isDirectory() ? 'it is a directory' : 'it is not a regular file'
  throw new LocalIoError('ERR_INJECT_LOCAL_IO', `cannot write ${quoted(target)}: ${reason}`, {
    hint: 'name another file; inject save -o - writes to standard output',
  })
}
