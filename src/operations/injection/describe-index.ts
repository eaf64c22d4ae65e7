import {attested} from '../../oci/image-index.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform} from '../../oci/platform.js'
import {repositoryName} from '../../oci/names/reference.js'
import {allEntries, type IndexTree} from '../../image/index/index-tree.js'
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
}

/** Describes what a command with `request` did to an index. */
export function describeIndex(
  {image, publish: {dryRun}}: InjectionRequest,
  document: Extract<InjectedDocument, {kind: 'index'}>,
  tags: readonly string[],
): IndexInjectionResult {
  const {base, outermost, images, before, after, isKnown} = document
  const digest = isKnown ? outermost.descriptor.digest : null
  return {
    reference: digest && `${repositoryName(image.reference)}@${digest}`,
    digest,
    base,
    changed: digest !== base || images.some(({action}) => action !== 'unchanged'),
    tags,
    images: images.map(describeOne),
    attestationsDropped: attestationsIn(before) - attestationsIn(after),
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

function attestationsIn(outermost: IndexTree): number {
  return [...allEntries(outermost)].filter((entry) => attested(entry) !== undefined).length
}
