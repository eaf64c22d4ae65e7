import type {Digest} from '../oci/digest.js'
import {decodeIndex} from '../oci/image-index.js'
import type {CallOptions, ManifestStore} from './content-store.js'
import {canListReferrers, type ReferrerDescriptor, referrersTag} from './referrer-lister.js'

/** A list of referrers that is kept under a tag. */
export interface TaggedReferrers {
  readonly digest: Digest
  readonly manifests: readonly ReferrerDescriptor[]
}

/**
 * What refers to `subject`: as the store lists it, or, where it does not know the question, as
 * clients do under a tag. Throws what `decodeIndex` throws of such a list.
 */
export async function listReferrers(
  store: ManifestStore,
  subject: Digest,
  call: CallOptions,
): Promise<readonly ReferrerDescriptor[]> {
  return (
    (await askReferrers(store, subject, call)) ??
    (await readTaggedReferrers(store, subject, call))?.manifests ??
    []
  )
}

/** As the store itself lists them; `undefined` if it does not know the question. */
export async function askReferrers(
  store: ManifestStore,
  subject: Digest,
  call: CallOptions,
): Promise<readonly ReferrerDescriptor[] | undefined> {
  return canListReferrers(store) ? store.listReferrers(subject, call) : undefined
}

/**
 * The list under the tag; `undefined` if there is none.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export async function readTaggedReferrers(
  store: ManifestStore,
  subject: Digest,
  call: CallOptions,
): Promise<TaggedReferrers | undefined> {
  const stored = await store.getManifest(referrersTag(subject), call)
  if (!stored) return undefined
  const {digest, mediaType} = stored.descriptor
  return {digest, manifests: decodeIndex(stored.bytes, mediaType).manifests}
}
