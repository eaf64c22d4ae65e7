import {allEntries} from '../../image/index/index-tree.js'
import {readable} from '../../layer/byte-string.js'
import type {Digest} from '../../oci/digest.js'
import {attested, isOwnAttestation} from '../../oci/image-index.js'
import {formatPlatform} from '../../oci/platform.js'
import {formatReference, type Reference, repositoryName} from '../../oci/names/reference.js'
import type {Attestation} from '../attest/attest-document.js'
import type {ImageRequest} from '../find/image-request.js'
import type {PublishRequest} from '../publish/publish-request.js'
import {originOfLoaded} from './load-images.js'
import type {PairedImages} from './pair-images.js'
import type {RebaseParts} from './rebase-document.js'
import type {RebasedImage, RebasedSlot} from './rebased-image.js'

/** The result for one image. */
export interface RebasedImageResult {
  /** `linux/arm64/v8`. */
  readonly platform: string
  /** The manifests with the slots, before and now; `null` in a dry run that would have to pack. */
  readonly from: Digest
  readonly digest: Digest | null
  /** The vendor's image, before and after; `null` if the image does not say. */
  readonly base: {readonly from: Digest | null; readonly to: Digest}
  readonly slots: readonly RebasedSlot[]
  /** Members of the config that a slot and the vendor both changed: the slot's value counts. */
  readonly changedTwice: readonly {readonly slot: string; readonly member: string}[]
  /** Files of the vendor's new image that a slot hides, at most 1,000. */
  readonly hidden: readonly string[]
  /** How many there are. */
  readonly hiddenCount: number
  /** Whether all layers that matter were read. */
  readonly isLookComplete: boolean
}

/** The result of `rebase`; in a dry run, what it would do. */
export interface RebaseResult {
  /** `repository@digest` of what the tags name now; `null` in a dry run that would have to pack. */
  readonly reference: string | null
  readonly digest: Digest | null
  /** What the work started from. */
  readonly base: Digest
  /** The vendor's image or index: its reference, and its digest before and now. */
  readonly onto: {readonly reference: string; readonly from: Digest | null; readonly to: Digest}
  readonly changed: boolean
  readonly tags: readonly string[]
  readonly images: readonly RebasedImageResult[]
  /** Platforms that the vendor's new index adds, and those that it lacks. */
  readonly platforms: {readonly added: readonly string[]; readonly removed: readonly string[]}
  /** Attestations that were removed because their images changed. */
  readonly attestationsDropped: number
  /** What is new beside the images in the index, or would be: `--attest=buildkit`. */
  readonly attestationsAdded: number
  readonly dryRun: boolean
  /** What was said of the result beside it, if that was asked for and is new. */
  readonly attestation?: Attestation
}

/** What the rebase did. */
export interface RebaseOutcome extends RebaseParts {
  /** `undefined`: nothing had to be done. */
  readonly paired: PairedImages | undefined
  readonly digest: Digest | undefined
  readonly tags: readonly string[]
  /** Names the vendor's image. */
  readonly reference: Reference
}

/** Describes it. */
export function describeRebase(
  outcome: RebaseOutcome,
  request: {readonly image: ImageRequest; readonly publish: PublishRequest},
): RebaseResult {
  const {injected, onto, images, paired, digest, tags, reference} = outcome
  const {added = [], removed = []} = paired ?? {}
  return {
    reference: digest ? `${repositoryName(request.image.reference)}@${digest}` : null,
    digest: digest ?? null,
    base: injected.digest,
    onto: {
      reference: formatReference(reference),
      from: originOfLoaded(injected).digest ?? null,
      to: onto.digest,
    },
    changed: digest !== injected.digest,
    tags,
    images: images.map(describeImage),
    platforms: {added: added.map(formatPlatform), removed: removed.map(formatPlatform)},
    attestationsDropped: paired ? attestationsOf(outcome) : 0,
    attestationsAdded: outcome.describeInIndex ? images.length : 0,
    dryRun: request.publish.dryRun,
  }
}

/**
 * The attestations of the vendor's images that the new ones replace, and ours of the old images
 * where no new ones take their places.
 */
function attestationsOf({
  injected,
  images,
  onto,
  attestations,
  describeInIndex,
}: RebaseOutcome): number {
  const replaced = new Set<string>(images.map((each) => each.onto.manifest.descriptor.digest))
  const vendors = onto.tree && attestations === 'drop' ? [...allEntries(onto.tree)] : []
  const own = injected.tree && !describeInIndex ? [...allEntries(injected.tree)] : []
  return (
    vendors.filter((entry) => replaced.has(attested(entry) ?? '')).length +
    own.filter(isOwnAttestation).length
  )
}

/** The most paths in a result. */
const mostPaths = 1000

function describeImage(image: RebasedImage): RebasedImageResult {
  const {platform, before, after, base, from, slots, changedTwice, hidden} = image
  return {
    platform: formatPlatform(platform),
    from: before.manifest.descriptor.digest,
    digest: after?.manifest.descriptor.digest ?? null,
    base: {from: from ?? null, to: base.manifest.descriptor.digest},
    slots,
    changedTwice,
    hidden: hidden.paths.slice(0, mostPaths).map((path) => `/${readable(path)}`),
    hiddenCount: hidden.paths.length,
    isLookComplete: hidden.isComplete,
  }
}
