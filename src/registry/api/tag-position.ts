import {algorithmOf, type Digest, digestOf} from '../../oci/digest.js'
import type {CallOptions} from '../../store/content-store.js'
import type {ManifestReader} from './manifests.js'

/**
 * What a tag (or digest) names; `undefined`: it does not exist. A HEAD is trusted if it confirms
 * the expected digest. Before a tag is reported as moved or missing, its manifest is fetched and
 * hashed, because some registries answer a HEAD with 404, with another digest or from a cache.
 */
export async function tagPosition(
  reader: ManifestReader,
  reference: string,
  hoped: Digest | 'absent' | undefined,
  call: CallOptions,
): Promise<Digest | undefined> {
  const found = await reader.headManifest(reference, call)
  if ((found ?? 'absent') === hoped) return found
  const stored = await reader.getManifest(reference, call)
  const algorithm = hoped === undefined || hoped === 'absent' ? undefined : algorithmOf(hoped)
  return stored && digestOf(stored.bytes, algorithm)
}
