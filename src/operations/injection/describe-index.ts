import {attested} from '../../oci/image-index.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform} from '../../oci/platform.js'
import {repositoryName} from '../../oci/names/reference.js'
import type {IndexTree} from '../../image/index-tree.js'
import {describeSlot, type InjectionResult} from './describe-image.js'
import type {InjectedDocument} from './injected-document.js'
import type {InjectedImage} from './injected-image.js'
import type {InjectionRequest} from './request.js'

/** What became of one image of an index. */
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

/** What `setup` and `update` did to an index, or in a dry run would do. */
export interface IndexInjectionResult extends Pick<
  InjectionResult,
  'reference' | 'digest' | 'base' | 'changed' | 'tags' | 'dryRun'
> {
  /** Those that were chosen. */
  readonly images: readonly InjectedImageResult[]
  /** Attestations of images that are others now, which were taken out. */
  readonly attestationsDropped: number
}

/** What a command that was asked for `request` did to an index. */
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
    changed: images.some(({action}) => action !== 'unchanged'),
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
  const trees = [outermost]
  let count = 0
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    count += tree.index.value.manifests.filter((entry) => attested(entry) !== undefined).length
    trees.push(...tree.below.values())
  }
  return count
}
