import type {Descriptor} from '../oci/descriptor.js'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import type {CallOptions} from './content-store.js'

/** A manifest that refers to another one, as a list of them has it. */
export interface ReferrerDescriptor extends Descriptor {
  readonly artifactType?: string
}

/** The ability of some stores to say which manifests have a given one as their subject. */
export interface ReferrerLister {
  /**
   * `undefined` when the store does not know the question: then there may be an index under
   * `referrersTag`.
   */
  listReferrers(
    subject: Digest,
    options?: CallOptions,
  ): Promise<readonly ReferrerDescriptor[] | undefined>
}

/** Tests the ability, not the kind of store. */
export function canListReferrers(store: object): store is ReferrerLister {
  return 'listReferrers' in store
}

/**
 * The tag of the list where there is no API for it.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema
 */
export function referrersTag(subject: Digest): string {
  return `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}`
}

/**
 * The ends of the tags that cosign gives signatures and similar artifacts, behind `referrersTag`.
 * https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md#storage
 */
export const cosignSuffixes = ['sig', 'att', 'sbom'] as const
