import {basename, dirname} from 'node:path'
import {streamOf} from '../stream/stream-of.js'
import {writeTempFile} from './temp-file.js'

/**
 * Writes a file so that whoever reads `path`, at any instant and after any crash, finds the old content or all of the new one. Throws
 * `LocalIoError`; then the old content is there, and no temporary file.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: {readonly mode?: number; readonly prefix?: string} = {},
): Promise<void> {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const file = await writeTempFile(streamOf(content), {
    folder: dirname(path),
    prefix: options.prefix ?? `.${basename(path)}.inject-`,
    mode: options.mode,
  })
  try {
    await file.commit(path)
  } finally {
    await file.discard()
  }
}
