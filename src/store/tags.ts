import {AuthenticationError} from '../errors.js'
import type {Digest} from '../oci/digest.js'
import type {CallOptions, ManifestStore} from './content-store.js'

/**
 * Where a tag stands that might not exist; `undefined` also when the registry does not say:
 * Artifactory forbids to look at what is not there, and a user who moves such a tag moves it on the
 * condition that it is new.
 */
export async function statNewTag(
  store: Pick<ManifestStore, 'statManifest'>,
  tag: string,
  call: CallOptions,
): Promise<Digest | undefined> {
  try {
    return await store.statManifest(tag, call)
  } catch (error) {
    if (error instanceof AuthenticationError && error.code === 'ERR_INJECT_DENIED') return undefined
    throw error
  }
}
/** The order of `listTags`: by the bytes of the tags in UTF-8. */
export function compareTags(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
