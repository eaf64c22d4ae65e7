/**
 * A signed statement with all that is needed to check it.
 * https://github.com/sigstore/protobuf-specs/blob/v0.5.0/protos/sigstore_bundle.proto
 */
export const bundleType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

/** A statement as in-toto has it. https://github.com/in-toto/attestation/tree/main/spec/v1 */
export const statementType = 'application/vnd.in-toto+json'

/** The config of an artifact that has none: `{}`. */
export const emptyType = 'application/vnd.oci.empty.v1+json'

/** https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md */
export const statementSchema = 'https://in-toto.io/Statement/v1'

/** https://slsa.dev/spec/v1.0/provenance */
export const provenanceType = 'https://slsa.dev/provenance/v1'

/** What cosign says of an image that it signs. */
export const cosignSignatureType = 'https://sigstore.dev/cosign/sign/v1'

/** https://spdx.github.io/spdx-spec/v2.3/ */
export const spdxType = 'https://spdx.dev/Document'

/** https://cyclonedx.org/specification/overview/ */
export const cyclonedxType = 'https://cyclonedx.org/bom'

/** Names the way in which `inject` makes an image of a vendor's; see docs/provenance.md. */
export const slotBuildType = 'https://inject.dev/provenance/slot/v1'

/** Annotations of the manifest that carries a bundle; cosign looks for the first two. */
export const contentAnnotation = 'dev.sigstore.bundle.content'
export const predicateAnnotation = 'dev.sigstore.bundle.predicateType'
export const createdAnnotation = 'org.opencontainers.image.created'

/** On a statement that nobody signed, `true`. Our own. */
export const unsignedAnnotation = 'dev.inject.unsigned'

/** The builder of what follows from an image alone: `inject`, and no one run of it. */
export const toolBuilder = 'https://inject.dev/provenance/image'

/** Of a layer that is a statement: its predicate type, as BuildKit has it. */
export const inTotoAnnotation = 'in-toto.io/predicate-type'
