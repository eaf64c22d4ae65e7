import {PreconditionError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import {fileRanges} from '../store/file-ranges.js'
import type {RangeReader} from '../store/range-reader.js'
import {blobNotFound} from '../store/store-errors.js'
import type {ContentStore} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {abortable} from '../stream/bytes.js'
import {verified} from '../stream/verify.js'
import type {Member} from './index-tar.js'
import type {Archive} from './read-archive.js'

type Blobs = Pick<
  ContentStore,
  'name' | 'statBlob' | 'openBlob' | 'putBlob' | 'putManifest' | 'close'
> &
  RangeReader

/**
 * What stores in archives have in common: blobs that are files of it, and nothing that can be
 * changed.
 */
export function archiveBlobs(
  archive: Archive,
  find: (digest: Digest) => Member | undefined,
): Blobs {
  const readOnly = (): never => {
    throw new PreconditionError(
      'ERR_INJECT_ARCHIVE_READ_ONLY',
      `${archive.name} cannot be changed in place`,
      {hint: 'put the result elsewhere by --to'},
    )
  }
  return {
    name: archive.name,
    ...fileRanges(({digest, size}) => {
      const member = find(digest)
      return Promise.resolve(member?.size === size ? archive.placeOf(member) : undefined)
    }),
    statBlob(digest) {
      const member = find(digest)
      return Promise.resolve(member && {digest, size: member.size})
    },
    openBlob(blob: BlobInfo, {signal} = {}) {
      const member = find(blob.digest)
      if (!member) return Promise.reject(blobNotFound(blob.digest, archive.name))
      const what = `blob ${blob.digest} of ${archive.name}`
      return Promise.resolve(verified(abortable(archive.open(member), signal), blob, what))
    },
    putBlob: readOnly,
    putManifest: readOnly,
    close: () => archive.close(),
  }
}
