import {readdir} from 'node:fs/promises'
import {localIoError} from './local-io-error.js'
import {isAbsent} from './error-answers.js'

/** The names in a folder, in no order; none if there is no folder. Throws `LocalIoError`. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw localIoError(error, 'read', folder)
  })
}
/** The names in a folder; `undefined` when there is none. Throws `LocalIoError`. */
export async function listFolder(directory: string): Promise<string[] | undefined> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw localIoError(error, 'read', directory)
  }
}
