import type {Image, Layer} from '../../image/image.js'
import type {Digest} from '../../oci/digest.js'
import {repositoryName, type Reference} from '../../oci/reference.js'
import type {SentLayers, SlotFacts} from './content.js'

/**
 * What became of the slot: put into an image that had none, given other content, left as it was, or
 * that while the image's config was edited.
 */
export type SlotAction = 'added' | 'replaced' | 'unchanged' | 'edited'

/** What `setup` and `update` did, or in a dry run would do. */
export interface InjectionResult {
  /**
   * `repository@digest` of the image that the tags name now; `null` in a dry run that would change
   * it.
   */
  readonly reference: string | null
  readonly digest: Digest | null
  /** The manifest that the work started from. */
  readonly base: Digest
  /** Whether the slot was added or its content replaced. */
  readonly changed: boolean
  /**
   * The tags that moved; empty when all of them named the result already. In a dry run: those that
   * would be moved.
   */
  readonly tags: readonly string[]
  readonly slot: {readonly name: string; readonly path: string; readonly action: SlotAction}
  /** What the slot holds. */
  readonly layer: {
    /** Of its layer; `undefined` where there are several, and in a dry run over an index. */
    readonly diffId: Digest | undefined
    /**
     * Of the compressed blob; `undefined` where there are several, and in a dry run that would have
     * to compress.
     */
    readonly digest: Digest | undefined
    /**
     * Compressed, of all layers together; unknown (`undefined`) in a dry run that would have to
     * compress.
     */
    readonly size: number | undefined
    /** Whether anything was sent; `false` when the repository had it. */
    readonly uploaded: boolean
    /** Unknown (`undefined`) of a layer that was there already and was not compared. */
    readonly entries: number | undefined
    readonly unpackedSize: number | undefined
  }
  readonly layers: {
    /** How many layers the slot has. */
    readonly count: number
    /** How many of them were sent; in a dry run: would be. */
    readonly new: number
    /**
     * What was sent, compressed; unknown (`undefined`) in a dry run that would have to compress.
     */
    readonly bytes: number | undefined
  }
  readonly dryRun: boolean
}

export interface Outcome {
  readonly reference: Reference
  readonly base: Image
  readonly result: Image
  readonly slot: InjectionResult['slot']
  readonly content: Partial<SlotFacts>
  /** Unknown (`undefined`) where one of them would be new. */
  readonly layers: readonly Layer[] | undefined
  readonly count: number
  readonly uploaded: boolean
  readonly sent: SentLayers
  readonly tags: readonly string[]
  readonly dryRun: boolean
}

export function describeOutcome({
  reference,
  base,
  result,
  slot,
  content,
  layers,
  count,
  uploaded,
  sent,
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
    layer: describeLayer(content, layers, uploaded),
    layers: {count, new: sent.count, bytes: sent.bytes},
    dryRun,
  }
}

export function describeLayer(
  content: Partial<SlotFacts>,
  layers: readonly Layer[] | undefined,
  uploaded: boolean,
): InjectionResult['layer'] {
  const only = layers?.length === 1 ? layers[0] : undefined
  return {
    diffId: content.diffId,
    digest: only?.descriptor.digest,
    size: layers?.reduce((sum, {descriptor}) => sum + descriptor.size, 0),
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
