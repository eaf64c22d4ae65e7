import type {Digest} from '../../oci/digest.js'
import type {CallOptions, ManifestStore} from '../content-store.js'
import type {LayoutManifests} from './manifests.js'
import {decodeFacts} from '../../oci/manifest-facts.js'
import {type ReferrerDescriptor, referrersTag} from '../referrer-lister.js'

type Manifests = Pick<ManifestStore, 'getManifest'> & Pick<LayoutManifests, 'listManifests'>

/**
 * The manifests that a layout's index lists and that have `subject` as theirs, as `inject serve`
 * and oras keep them. `undefined` when the layout has an index of them under a tag, as other tools
 * keep them.
 */
export async function listReferrersIn(
  manifests: Manifests,
  subject: Digest,
  {signal}: CallOptions = {},
): Promise<readonly ReferrerDescriptor[] | undefined> {
  const tagged = await manifests.getManifest(referrersTag(subject), {signal})
  if (tagged) return undefined
  const found: ReferrerDescriptor[] = []
  for (const digest of await manifests.listManifests()) {
    const stored = await manifests.getManifest(digest, {signal})
    if (!stored) continue
    const facts = decodeFacts(stored.bytes, `manifest ${digest}`)
    if (facts.subject !== subject) continue
    const {artifactType, annotations} = facts
    found.push({
      ...stored.descriptor,
      ...(artifactType !== undefined && {artifactType}),
      ...(annotations && {annotations}),
    })
  }
  return found
}
