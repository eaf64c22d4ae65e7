import {basename, dirname} from 'node:path'
import {streamOf} from '../stream/bytes.js'
import {writeTempFile} from './temp-file.js'

export interface AtomicOptions {
  readonly mode?: number
  /** What the temporary name starts with. */
  readonly prefix?: string
  /** Called right before the file is replaced; when it throws, the old content stays. */
  readonly check?: () => Promise<void>
}

/**
 * Writes a file so that anyone who reads `path`, at any instant and after any crash, finds the old
 * content or all of the new one. Throws `LocalIoError`; then the old content is there, and no
 * temporary file.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: AtomicOptions = {},
): Promise<void> {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
  const file = await writeTempFile(streamOf(content), {
    folder: dirname(path),
    prefix: options.prefix ?? `.${basename(path)}.inject-`,
    mode: options.mode,
  })
  try {
    await file.commit(path, options.check)
  } finally {
    await file.discard()
  }
}
