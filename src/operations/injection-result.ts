import type {Image, Layer} from '../image/image.js'
import type {Digest} from '../oci/digest.js'
import {repositoryName, type Reference} from '../oci/reference.js'
import type {PackedContent} from '../layer/pack.js'

/** What became of the slot: put into an image that had none, given other content, left as it was, or that while the image's config was edited. */
export type SlotAction = 'added' | 'replaced' | 'unchanged' | 'edited'

/** What `setup` and `update` did, or in a dry run would do. */
export interface InjectionResult {
  /** `repository@digest` of the image that the tags name now; `null` in a dry run that would change it. */
  readonly reference: string | null
  readonly digest: Digest | null
  /** The manifest that the work started from. */
  readonly base: Digest
  /** Whether the slot was added or its content replaced. */
  readonly changed: boolean
  /** The tags that moved; empty when all of them named the result already. In a dry run: those that would be moved. */
  readonly tags: readonly string[]
  readonly slot: {readonly name: string; readonly path: string; readonly action: SlotAction}
  readonly layer: {
    /** Unknown (`undefined`) only in a dry run over an index. */
    readonly diffId: Digest | undefined
    /** Of the compressed blob, as `size`; both unknown (`undefined`) in a dry run that would have to compress. */
    readonly digest: Digest | undefined
    readonly size: number | undefined
    /** Whether the blob was sent; `false` when the repository had it. */
    readonly uploaded: boolean
    /** Unknown (`undefined`) of a layer that was there already and was not compared. */
    readonly entries: number | undefined
    readonly unpackedSize: number | undefined
  }
  readonly dryRun: boolean
}

export interface Outcome {
  readonly reference: Reference
  readonly base: Image
  readonly result: Image
  readonly slot: InjectionResult['slot']
  readonly content: Pick<PackedContent, 'diffId'> & Partial<PackedContent>
  readonly layer: Layer | undefined
  readonly uploaded: boolean
  readonly tags: readonly string[]
  readonly dryRun: boolean
}

export function describeOutcome({
  reference,
  base,
  result,
  slot,
  content,
  layer,
  uploaded,
  tags,
  dryRun,
}: Outcome): InjectionResult {
  const isKnown = !dryRun || slot.action === 'unchanged'
  const digest = isKnown ? result.manifest.descriptor.digest : null
  return {
    reference: digest && `${repositoryName(reference)}@${digest}`,
    digest,
    base: base.manifest.descriptor.digest,
    changed: slot.action !== 'unchanged',
    tags,
    slot,
    layer: describeLayer(content, layer, uploaded),
    dryRun,
  }
}

export function describeLayer(
  content: Partial<PackedContent>,
  layer: Layer | undefined,
  uploaded: boolean,
): InjectionResult['layer'] {
  return {
    diffId: content.diffId,
    digest: layer?.descriptor.digest,
    size: layer?.descriptor.size,
    uploaded,
    entries: content.entries,
    unpackedSize: content.tarSize,
  }
}

/** The content may be what it was, and the config not. */
export function actionOn(image: Image, result: Image, planned: SlotAction): SlotAction {
  if (result === image) return 'unchanged'
  return planned === 'unchanged' ? 'edited' : planned
}
