import {inTotoAnnotation, statementType} from '../../attest/types.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import type {CallOptions, ContentStore} from '../../store/content-store.js'
import {manifestParts} from '../../store/manifest-parts.js'

/** A statement that an attestation in an index carries. */
export interface StatementLayer extends Descriptor {
  /** By its annotation; not checked. */
  readonly predicateType: string | undefined
}

/**
 * The statements in a manifest that an index has as an attestation. Empty if it is not there.
 * https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md
 */
export async function statementsIn(
  store: ContentStore,
  digest: Digest,
  call: CallOptions,
): Promise<readonly StatementLayer[]> {
  const stored = await store.getManifest(digest, call)
  const blobs: readonly Descriptor[] = stored ? manifestParts(stored).blobs.slice(1) : []
  return blobs
    .filter(({mediaType}) => mediaType === statementType)
    .map((blob) => {
      const annotations = new Map(Object.entries(blob.annotations ?? {}))
      return {...blob, predicateType: annotations.get(inTotoAnnotation)}
    })
}
