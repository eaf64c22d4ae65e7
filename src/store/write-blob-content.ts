import {type TempFile, writeTempFile} from '../disk/temp-file.js'
import {algorithmOf} from '../oci/digest.js'
import {abortable} from '../stream/abortable.js'
import {verified} from '../stream/verify.js'
import type {BlobSource, PutBlobOptions} from './content-store.js'
import {tempPrefix} from './layout-files.js'

/** Writes what is to become a blob of the layout in `directory`, under a temporary name there. Fails, and leaves nothing, when the bytes are not the `expected` ones. */
export function writeBlobContent(
  directory: string,
  source: BlobSource,
  {expected, signal}: Pick<PutBlobOptions, 'expected' | 'signal'>,
): Promise<TempFile> {
  const stream = abortable(source.open({signal}), signal)
  return writeTempFile(
    expected === undefined ? stream : verified(stream, expected, `content of ${expected.digest}`),
    {
      folder: directory,
      prefix: tempPrefix,
      mode: 0o644,
      algorithm: expected && algorithmOf(expected.digest),
    },
  )
}
