import type {Digest} from '../../oci/digest.js'
import type {BlobReader} from '../../store/content-store.js'
import type {BundleTarget} from './bundle-target.js'

/**
 * The bundle's blobs, and those that it needs, read from the repository that has them where they
 * cannot be mounted.
 */
export function withRepositories(
  bundle: BlobReader,
  elsewhere: ReadonlyMap<Digest, string>,
  target: BundleTarget,
): BlobReader {
  return {
    statBlob: (digest, call) => bundle.statBlob(digest, call),
    async openBlob(blob, call) {
      const repository = elsewhere.get(blob.digest)
      if (repository === undefined) return bundle.openBlob(blob, call)
      return (await target.open(repository)).openBlob(blob, call)
    },
  }
}
