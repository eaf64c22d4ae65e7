import {newLayerType} from '../../image/family.js'
import type {Image, Layer} from '../../image/image.js'
import {inject} from '../../image/inject.js'
import type {Slot} from '../../image/slot.js'
import {countShards} from '../../layer/shards/divide.js'
import type {Digest} from '../../oci/digest.js'
import {formatTime} from '../../oci/time.js'
import {actionOn, describeOutcome, type InjectionResult} from './result.js'
import type {UpdateOptions, UpdatePlan} from './plan.js'
import type {StoredContent} from './content.js'
import {outstanding} from '../publish/tag-moves.js'

/** The image that an update makes of its plan, once the layers are known. */
export function injected(
  {created: asked, edits, compression}: UpdateOptions,
  {name, image, original, slot, path, sharding}: UpdatePlan,
  {layers, content}: Pick<StoredContent, 'layers' | 'content'>,
): Image {
  const created = formatTime(asked ?? content.newestMtime)
  const imageCreated = asked === undefined ? {} : {imageCreated: created}
  const mediaType = newLayerType(image, compression)
  return inject(image, {
    name,
    path,
    layers: layers.map((layer) => named(layer, layerTypeOf(layer, slot) ?? mediaType)),
    sharding,
    base: original.manifest.descriptor.digest,
    created,
    ...imageCreated,
    ...(edits && {edits}),
  })
}

/** A blob that the slot holds already is what the image says it is, however it was compressed. */
function layerTypeOf({descriptor}: Layer, slot: Slot | undefined): string | undefined {
  const own = slot?.layers.find((each) => each.descriptor.digest === descriptor.digest)
  return own?.descriptor.mediaType
}

/** The layer as this image names it: nothing of what another manifest said about the same blob. */
function named({descriptor: {digest, size}, diffId}: Layer, mediaType: string): Layer {
  return {descriptor: {mediaType, digest, size}, diffId}
}

/** What the tags are to name, when that is certain without packing anything. */
export function plannedDigest(options: UpdateOptions, plan: UpdatePlan): Digest | undefined {
  const {layers, content} = plan
  return layers && content && injected(options, plan, {layers, content}).manifest.descriptor.digest
}

/** What a dry run says. */
export function describePlan(
  options: UpdateOptions,
  plan: UpdatePlan & Pick<StoredContent, 'content'>,
): InjectionResult {
  const {reference} = options
  const {name, image, original, path, moves, content, layers, shards, unsent} = plan
  const result = layers ? injected(options, plan, {layers, content}) : undefined
  const action = result ? actionOn(original, result, plan.action) : plan.action
  const tags = action === 'unchanged' ? outstanding(moves, image.manifest.descriptor.digest) : moves
  const slot = {name, path, action}
  return describeOutcome({
    reference,
    base: original,
    result: image,
    slot,
    content,
    layers,
    count: shards ? countShards(shards) : 1,
    uploaded: false,
    sent: unsent,
    tags: tags.map(({tag}) => tag),
    dryRun: true,
  })
}
