import {ConflictError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import {ociIndex} from '../oci/media-type.js'
import type {CallOptions, ManifestStore} from './content-store.js'
import {askReferrers, readTaggedReferrers} from './list-referrers.js'
import {type ReferrerDescriptor, referrersTag} from './referrer-lister.js'

/** How often a list is written again because another client changed it meanwhile. */
const mostTries = 5

/**
 * Makes the store list manifests that are in it as referrers of `subject`. If the store does not
 * do so by itself, they are added to the index under a tag.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export async function linkReferrers(
  store: ManifestStore,
  subject: Digest,
  list: readonly ReferrerDescriptor[],
  call: CallOptions,
): Promise<void> {
  const known = await askReferrers(store, subject, call)
  if (known && list.every(({digest}) => known.some((each) => each.digest === digest))) return
  for (let tries = 1; ; tries++) {
    try {
      await addToTagged(store, subject, list, call)
      return
    } catch (error) {
      if (!(error instanceof ConflictError) || tries === mostTries) throw error
    }
  }
}

async function addToTagged(
  store: ManifestStore,
  subject: Digest,
  list: readonly ReferrerDescriptor[],
  call: CallOptions,
): Promise<void> {
  const before = await readTaggedReferrers(store, subject, call)
  const manifests = [...(before?.manifests ?? [])]
  for (const entry of list)
    if (!manifests.some(({digest}) => digest === entry.digest)) manifests.push(entry)
  if (before && manifests.length === before.manifests.length) return
  const text = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests})
  const tags = [{tag: referrersTag(subject), from: before?.digest ?? ('absent' as const)}]
  await store.putManifest(Buffer.from(text), ociIndex, {...call, tags})
}
