import {type ConfigEdits, mergeEdits} from '../../image/config-edits.js'
import {inFamilyOf, newLayerType} from '../../image/family.js'
import {baseAnnotations} from '../../image/follow/base-annotations.js'
import {originOf} from '../../image/follow/origin.js'
import {formatNote, type RunNote} from '../../image/follow/run-note.js'
import type {Image, Layer} from '../../image/image.js'
import {inject} from '../../image/inject.js'
import {chunkedAnnotations} from '../../oci/annotation.js'
import {formatTime} from '../../oci/time.js'
import type {SuitableTarget} from '../find/suitable-image.js'
import type {StoredContent} from '../slot/content.js'
import type {SlotContent} from '../slot/group.js'
import {shardingOf} from '../slot/sharding.js'
import type {InjectionRequest} from './request.js'

/** The image that a target becomes, once the layers of its slot are known. */
export type MakeImage = (
  target: SuitableTarget,
  content: Pick<SlotContent, 'path' | 'time' | 'merges' | 'edits' | 'from' | 'linked'>,
  stored: Pick<StoredContent, 'layers' | 'content'>,
  /** What the image notes of the run; `undefined` for an image of an index that notes it. */
  note: RunNote | undefined,
) => Image

/** Makes each image once, even if it is asked for the same layers several times. */
export function createMakeImage(request: Pick<InjectionRequest, 'layer'>): MakeImage {
  const made = new WeakMap<SuitableTarget, {readonly key: string; readonly image: Image}>()
  return (target, {path, time, merges, edits, from, linked}, {layers, content}, note) => {
    const {created: asked, compression, sharding, parents, fleet} = request.layer
    const created = formatTime(asked ?? time ?? content.newestMtime ?? 0)
    const said = formatNote(note)
    // another image may say a wrong diff ID of the right blob
    const digests = layers.map(({descriptor, diffId}) => [descriptor.digest, diffId])
    const key = JSON.stringify([created, path, from, said, merges, ...digests])
    const known = made.get(target)
    if (known?.key === key) return known.image
    const mediaType = newLayerType(target.suitable, compression)
    const image = inject(target.suitable, {
      name: target.name,
      path,
      layers: layers.map((layer) =>
        linked ? linkedLayer(layer, target) : named(layer, layerTypeOf(layer, target) ?? mediaType),
      ),
      sharding: linked?.sharding ?? shardingOf(sharding, target.slot),
      parents: linked ? linked.parents : parents,
      from,
      merges,
      fleet,
      base: request.layer.base === 'forget' ? 'none' : target.image.manifest.descriptor.digest,
      origin: target.origin,
      note: said,
      created,
      ...(asked !== undefined && {imageCreated: created}),
      ...editsFor(target, {...request.layer, edits: joined(request.layer.edits, edits)}),
    })
    made.set(target, {key, image})
    return image
  }
}

function joined(asked: ConfigEdits | undefined, own: ConfigEdits | undefined) {
  return asked && own ? mergeEdits(asked, own) : (asked ?? own)
}

/** What was asked for, and what says where the image comes from. */
function editsFor(
  {suitable, image, origin: name}: SuitableTarget,
  {edits, baseAnnotations: isSaid = false}: InjectionRequest['layer'],
): {edits?: ConfigEdits} {
  if (!isSaid) return edits ? {edits} : {}
  const known = originOf(suitable)
  const isNew = known.digest === undefined
  const base = {
    digest: known.digest ?? image.manifest.descriptor.digest,
    origin: isNew ? name : known.name,
  }
  return {edits: mergeEdits(edits ?? {}, baseAnnotations(suitable, base))}
}

/** A layer of another image, compressed as it is there. Throws what `inFamilyOf` throws. */
function linkedLayer({descriptor, diffId}: Layer, {suitable}: SuitableTarget): Layer {
  const {mediaType} = inFamilyOf(suitable, descriptor)
  return named({descriptor, diffId}, mediaType)
}

/** The media type that the existing slot gives the same blob; `undefined` for a new blob. */
function layerTypeOf({descriptor}: Layer, {slot}: SuitableTarget): string | undefined {
  const own = slot?.layers.find((each) => each.descriptor.digest === descriptor.digest)
  return own?.descriptor.mediaType
}

/**
 * The descriptor of the layer for this image, without what another manifest adds to the same blob,
 * but for the place of its table of contents.
 */
function named({descriptor, diffId}: Layer, mediaType: string): Layer {
  const {digest, size} = descriptor
  const annotations = chunkedAnnotations(descriptor.annotations)
  return {descriptor: {mediaType, digest, size, ...(annotations && {annotations})}, diffId}
}
