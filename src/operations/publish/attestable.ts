import {PreconditionError} from '../../errors.js'
import {dockerManifest, dockerManifestList} from '../../oci/media-type.js'

/**
 * Throws `PreconditionError` (`ERR_INJECT_ATTEST_NEEDS_OCI`) for an index, or a single image, in
 * Docker's format: BuildKit's attestations are in those of OCI only.
 */
export function refuseDockersFormat(mediaType: string): void {
  if (mediaType !== dockerManifest && mediaType !== dockerManifestList) return
  throw new PreconditionError(
    'ERR_INJECT_ATTEST_NEEDS_OCI',
    "the image is in Docker's format, and an attestation in the index needs that of OCI",
    {hint: 'convert it with inject update --to-oci, or use --attest=signed'},
  )
}
