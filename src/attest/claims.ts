import type {Digest} from '../oci/digest.js'

/** What can be proven of an image; see docs/provenance.md. */
export const claimNames = ['statement', 'content', 'vendor-signature', 'signature', 'sbom'] as const
export type ClaimName = (typeof claimNames)[number]

/** Whether something was proven of a manifest. */
export interface Claim {
  readonly claim: ClaimName
  /** What it is about: an image, or an index. */
  readonly subject: Digest
  /** `linux/arm64/v8`; `null` for an index. */
  readonly platform: string | null
  readonly proven: boolean
  /** Whether the check fails without it. */
  readonly needed: boolean
  /** By what it was proven, or why it was not; one line. */
  readonly detail: string
}
