import {attested} from '../../oci/image-index.js'
import type {Digest} from '../../oci/digest.js'
import {formatPlatform} from '../../oci/platform.js'
import {type Reference, repositoryName} from '../../oci/reference.js'
import type {InjectedImage, InjectedIndex} from './inject-index.js'
import {describeLayer, type InjectionResult} from '../slot/result.js'

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

export function describeIndex(
  {
    reference,
    name,
    dryRun,
  }: {readonly reference: Reference; readonly name: string; readonly dryRun: boolean},
  index: InjectedIndex,
  {tags, isKnown}: {readonly tags: readonly string[]; readonly isKnown: boolean},
): IndexInjectionResult {
  const {before, after, images} = index
  const digest = isKnown ? after.index.descriptor.digest : null
  return {
    reference: digest && `${repositoryName(reference)}@${digest}`,
    digest,
    base: before.index.descriptor.digest,
    changed: images.some(({action}) => action !== 'unchanged'),
    tags,
    images: images.map((image) => describeImage(image, name)),
    attestationsDropped: attestationsIn(index, 'before') - attestationsIn(index, 'after'),
    dryRun,
  }
}

function describeImage(injected: InjectedImage, name: string): InjectedImageResult {
  const {image, platform, path, action, result, layers, content, uploaded, count, sent} = injected
  return {
    platform: formatPlatform(platform),
    base: image.manifest.descriptor.digest,
    digest: result?.manifest.descriptor.digest ?? null,
    changed: action !== 'unchanged',
    slot: {name, path, action},
    layer: describeLayer(content ?? {}, layers, uploaded),
    layers: {count, new: sent.count, bytes: sent.bytes},
  }
}

function attestationsIn(index: InjectedIndex, which: 'before' | 'after'): number {
  const trees = [index[which]]
  let count = 0
  for (let tree = trees.pop(); tree !== undefined; tree = trees.pop()) {
    count += tree.index.value.manifests.filter((entry) => attested(entry) !== undefined).length
    trees.push(...tree.below.values())
  }
  return count
}
