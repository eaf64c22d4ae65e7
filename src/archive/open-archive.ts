import {PreconditionError} from '../errors.js'
import {type ArchiveReference, repositoryName} from '../oci/reference.js'
import type {ContentStore} from '../store/content-store.js'
import {createArchive} from './archive-writer.js'
import {openDockerArchive} from './docker-archive.js'
import {openOciArchive} from './oci-archive.js'
import {readArchive} from './read-archive.js'

export interface OpenArchiveOptions {
  readonly writes: boolean
  /** It is written anew. */
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
  const {kind, file, name} = reference
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
      : await openDockerArchive(archive, name, signal)
  } catch (error) {
    await archive.close()
    throw error
  }
}
