import type {Digest} from '../../oci/digest.js'
import {repositoryName} from '../../oci/names/reference.js'
import type {Attestation} from '../attest/attest-document.js'
import type {InjectedDocument} from './injected-document.js'
import type {InjectedImage, SlotAction} from './injected-image.js'
import type {InjectionRequest} from './request.js'

/** The result of `setup` and `update`; in a dry run, what they would do. */
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
    /** Of its layer; `undefined` if there are several, and in a dry run over an index. */
    readonly diffId: Digest | undefined
    /**
     * Of the compressed blob; `undefined` if there are several, and in a dry run that would have to
     * compress.
     */
    readonly digest: Digest | undefined
    /**
     * Compressed, of all layers together; unknown (`undefined`) in a dry run that would have to
     * compress.
     */
    readonly size: number | undefined
    /** Whether anything was sent; `false` when the repository already had it. */
    readonly uploaded: boolean
    /** Unknown (`undefined`) for a layer that was already there and was not compared. */
    readonly entries: number | undefined
    readonly unpackedSize: number | undefined
  }
  readonly layers: {
    /** How many layers the slot has. */
    readonly count: number
    /** How many layers were sent; in a dry run, would be sent. */
    readonly new: number
    /**
     * What was sent, compressed; unknown (`undefined`) in a dry run that would have to compress.
     */
    readonly bytes: number | undefined
  }
  readonly dryRun: boolean
  /** What was said of the result beside it, if that was asked for and is new. */
  readonly attestation?: Attestation
}

/** Describes what a command with `request` did to a single image. */
export function describeImage(
  {image, publish: {dryRun}}: InjectionRequest,
  {image: injected, base, outermost}: Extract<InjectedDocument, {kind: 'image'}>,
  tags: readonly string[],
): InjectionResult {
  const slot = describeSlot(injected)
  const isThere = !dryRun || !slot.changed
  const digest = isThere ? outermost.descriptor.digest : null
  return {
    reference: digest && `${repositoryName(image.reference)}@${digest}`,
    digest,
    base,
    changed: slot.changed,
    tags,
    slot: slot.slot,
    layer: slot.layer,
    layers: slot.layers,
    dryRun,
  }
}

/** The result for the slot of one image. */
export function describeSlot(
  injected: InjectedImage,
): Pick<InjectionResult, 'changed' | 'slot' | 'layer' | 'layers'> {
  const {target, path, action, count, content, uploaded, sent} = injected
  const layers = injected.kind === 'made' ? injected.layers : undefined
  const only = layers?.length === 1 ? layers[0] : undefined
  return {
    changed: action !== 'unchanged',
    slot: {name: target.name, path, action},
    layer: {
      diffId: content.diffId,
      digest: only?.descriptor.digest,
      size: layers?.reduce((sum, {descriptor}) => sum + descriptor.size, 0),
      uploaded,
      entries: content.entries,
      unpackedSize: content.tarSize,
    },
    layers: {count, new: sent.count, bytes: sent.bytes},
  }
}
