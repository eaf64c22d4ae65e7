import {IntegrityError, PreconditionError} from '../errors.js'
import {type ArchiveReference, repositoryName} from '../oci/names/reference.js'
import type {ContentStore} from '../store/content-store.js'
import {createArchive} from './archive-writer.js'
import {openDockerArchive} from './docker-archive.js'
import {openOciArchive} from './oci-archive.js'
import {type Archive, readArchive} from './read-archive.js'

export interface OpenArchiveOptions {
  readonly writes: boolean
  /** It is written from scratch. */
  readonly create?: boolean | undefined
  readonly noClobber?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Where one is unpacked to that cannot be read in its place. */
  readonly temporary: string
}

/**
 * An archive to be read, or a new one. Throws `PreconditionError` (`ERR_INJECT_ARCHIVE_READ_ONLY`)
 * where one that is there would be changed.
 */
export async function openArchive(
  reference: ArchiveReference,
  {writes, create, noClobber, signal, temporary}: OpenArchiveOptions,
): Promise<ContentStore> {
  if (create) return createArchive(reference, {noClobber})
  const {kind, file} = reference
  const where = repositoryName(reference)
  if (writes) {
    throw new PreconditionError(
      'ERR_INJECT_ARCHIVE_READ_ONLY',
      `${where} cannot be changed in place`,
      {hint: 'put the result elsewhere by --to'},
    )
  }
  const archive = await readArchive(file, where, {signal, temporary})
  try {
    return kind === 'oci-archive'
      ? await openOciArchive(archive)
      : await openDockerArchive(archive, reference, signal)
  } catch (error) {
    await archive.close()
    throw withOtherPrefix(error, archive, reference)
  }
}

/** An archive of the other kind is named for what it is. */
function withOtherPrefix(
  error: unknown,
  archive: Archive,
  {kind, file}: ArchiveReference,
): unknown {
  if (!(error instanceof IntegrityError) || error.code !== 'ERR_INJECT_ARCHIVE_INVALID')
    return error
  const [other, members] =
    kind === 'oci-archive'
      ? (['docker-archive', ['manifest.json']] as const)
      : (['oci-archive', ['oci-layout', 'index.json']] as const)
  const own = kind === 'oci-archive' ? 'index.json' : 'manifest.json'
  if (archive.stat(own) || !members.every((member) => archive.stat(member))) return error
  return new IntegrityError(error.code, error.message, {
    cause: error,
    hint: `it is an archive of the other kind: use ${other}:${file}`,
  })
}
