import {NotFoundError} from '../errors.js'
import type {Digest} from '../oci/digest.js'

/** What `openBlob` throws when the store lacks the blob. */
export function blobNotFound(digest: Digest, store: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_BLOB_NOT_FOUND', `${store} has no blob ${digest}`)
}
