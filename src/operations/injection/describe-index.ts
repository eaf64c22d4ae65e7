import type {Digest} from '../../oci/digest.js'
import {formatPlatform} from '../../oci/platform.js'
import {repositoryName} from '../../oci/names/reference.js'
import {droppedAttestations} from '../../image/index/dropped-attestations.js'
import {describeSlot, type InjectionResult} from './describe-image.js'
import type {InjectedDocument} from './injected-document.js'
import type {InjectedImage} from './injected-image.js'
import type {InjectionRequest} from './request.js'

/** The result for one image of an index. */
export interface InjectedImageResult extends Pick<
  InjectionResult,
  'slot' | 'layer' | 'layers' | 'changed'
> {
  /** `linux/arm64/v8`. */
  readonly platform: string
  readonly base: Digest
  /** `null` in a dry run that would change it. */
  readonly digest: Digest | null
}

/** The result of `setup` and `update` for an index; in a dry run, what they would do. */
export interface IndexInjectionResult extends Pick<
  InjectionResult,
  'reference' | 'digest' | 'base' | 'changed' | 'tags' | 'dryRun' | 'attestation'
> {
  /** The chosen images. */
  readonly images: readonly InjectedImageResult[]
  /** Attestations that were removed because their images changed. */
  readonly attestationsDropped: number
  /** What is new beside the images in the index, or would be: `--attest=buildkit`. */
  readonly attestationsAdded: number
}

/** Describes what a command with `request` did to an index. */
export function describeIndex(
  {image, publish: {dryRun}}: InjectionRequest,
  document: Extract<InjectedDocument, {kind: 'index'}>,
  tags: readonly string[],
): IndexInjectionResult {
  const {base, outermost, images, before, after, isKnown, attestations} = document
  const digest = isKnown ? outermost.descriptor.digest : null
  return {
    reference: digest && `${repositoryName(image.reference)}@${digest}`,
    digest,
    base,
    changed: digest !== base || images.some(({action}) => action !== 'unchanged'),
    tags,
    images: images.map(describeOne),
    attestationsDropped: before ? droppedAttestations(before, after) : 0,
    // where the tags name the result they were there before
    attestationsAdded: tags.length === 0 ? 0 : attestations.length,
    dryRun,
  }
}

function describeOne(injected: InjectedImage): InjectedImageResult {
  const {image, platform} = injected.target
  const {changed, slot, layer, layers} = describeSlot(injected)
  return {
    platform: formatPlatform(platform),
    base: image.manifest.descriptor.digest,
    digest: injected.kind === 'made' ? injected.result.manifest.descriptor.digest : null,
    changed,
    slot,
    layer,
    layers,
  }
}
