import {statFile, readFileStream} from '../../disk/read-file.js'
import {saysAbsent, ifDamaged} from '../../disk/error-answers.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {abortable, drain} from '../../stream/bytes.js'
import {verified} from '../../stream/verify.js'

/** Whether the file at `path` is what `blob` names, read whole. Throws `LocalIoError`. */
export async function isSoundFile(
  path: string,
  blob: BlobInfo,
  signal?: AbortSignal,
): Promise<boolean> {
  return (await inspectFile(path, blob, signal)) === 'sound'
}
/** What a file is: what `blob` names, something else, or not there. */
export type FileCondition = 'sound' | 'damaged' | 'absent'
/**
 * Reads the file at `path` whole. Throws `LocalIoError` where it cannot be read: then nobody knows
 * what it is, and nothing may happen to it.
 */
export async function inspectFile(
  path: string,
  blob: BlobInfo,
  signal?: AbortSignal,
): Promise<FileCondition> {
  try {
    const stats = await statFile(path)
    if (stats === undefined) return 'absent'
    if (stats.size !== blob.size) return 'damaged'
    const bytes = abortable(readFileStream(path, {recycle: true}), signal)
    await drain(verified(bytes, blob, blob.digest))
    return 'sound'
  } catch (error) {
    if (saysAbsent(error)) return 'absent'
    return ifDamaged<FileCondition>('damaged')(error)
  }
}
