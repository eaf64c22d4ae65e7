import {type TempFile, writeTempFile} from '../../disk/temp-file.js'
import {abortable} from '../../stream/bytes.js'
import {verified} from '../../stream/verify.js'
import type {BlobSource, ByteStream, PutBlobOptions} from '../content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {tempPrefix} from './paths.js'

/**
 * The bytes of a source, checked to be those of `expected`: where the source checks that itself,
 * they are not hashed once more. Throws `IntegrityError` before the end of other ones.
 */
export function checkedContent(
  source: BlobSource,
  expected: BlobInfo,
  signal: AbortSignal | undefined,
): ByteStream {
  const stream = abortable(source.open({signal}), signal)
  const {proven} = source
  if (proven?.digest === expected.digest && proven.size === expected.size) return stream
  return verified(stream, expected, `content of ${expected.digest}`)
}

/**
 * Writes what is to become a blob of the layout in `directory`, under a temporary name there.
 * Fails, and leaves nothing, when the bytes are not the `expected` ones.
 */
export function writeBlobContent(
  directory: string,
  source: BlobSource,
  {expected, signal}: Pick<PutBlobOptions, 'expected' | 'signal'>,
): Promise<TempFile> {
  const stream =
    expected === undefined
      ? abortable(source.open({signal}), signal)
      : checkedContent(source, expected, signal)
  const options = {folder: directory, prefix: tempPrefix, mode: 0o644}
  return writeTempFile(stream, {...options, known: expected?.digest})
}
