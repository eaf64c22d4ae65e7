import {algorithmOf, type Digest, digestOf} from '../../oci/digest.js'
import type {CallOptions} from '../../store/content-store.js'
import type {ManifestReader} from './manifests.js'

/**
 * Where a tag (or digest) stands. A HEAD is believed where it says what is hoped for; before a tag
 * is called moved or gone, a GET is asked and its bytes are hashed, for some registries answer a
 * HEAD with 404, with another digest or from a cache. `undefined`: it is not there.
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
