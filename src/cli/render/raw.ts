import {repositoryName, type Reference} from '../../oci/names/reference.js'
import type {RawDocument} from '../../operations/browse/read-raw.js'

/** What is known of a document that was printed as it is. */
export function describeRaw(reference: Reference, {descriptor}: RawDocument) {
  const {digest, mediaType, size} = descriptor
  return {reference: `${repositoryName(reference)}@${digest}`, digest, mediaType, size}
}
