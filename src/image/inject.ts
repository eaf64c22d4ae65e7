import {isDeepStrictEqual} from 'node:util'
import {PreconditionError} from '../errors.js'
import {baseDigest, isSlotName, slotLabels} from '../oci/annotation.js'
import type {Digest} from '../oci/digest.js'
import {familyOf, type Manifest} from '../oci/manifest.js'
import {dockerLayer, layerCompression} from '../oci/media-type.js'
import {
  type ConfigEdits,
  editConfigText,
  editManifestText,
  isEmpty,
  mergeEdits,
  parseEdits,
  valuesBefore,
} from './config-edits.js'
import {checkFamily, checkPlain} from './family.js'
import {slotStep} from './history.js'
import {bytesOf, digestLike, textOf} from './document-text.js'
import {decodeImage, type Encoded, type Image, type Layer} from './image.js'
import {findSlot, findSlots, type Slot} from './slot.js'
import {isSlotPath} from './slot-path.js'
import {type JsonPath, removeMember, setMember} from './text-edit.js'

export interface Injection {
  /** Of the slot. */
  readonly name: string
  /** The slot's new layer, of the image's family of media types. Its descriptor is used as it is, nothing of an older one is kept. */
  readonly layer: Layer
  /** RFC 3339: when the content is from. An argument, never the clock: equal inputs give equal digests. */
  readonly created: string
  /** Where in the image the slot's directory belongs. */
  readonly path: string
  /** RFC 3339: when the image is from. Default: when it was, or `created` if that is later. */
  readonly imageCreated?: string
  /** What else the image is to say. What it said before is remembered with the slot. */
  readonly edits?: ConfigEdits
  /** The manifest that the first slot of an image remembers, for an image that was made from another one. Default: the image's own. */
  readonly base?: Digest
}

/**
 * The image with the layer in its slot: in the place of the slot's layer, or on top of all when the image has no such slot. Layer, diff ID
 * and history entry move together; the labels name the new layer; all else keeps its bytes. The first slot of an image remembers which manifest it was put
 * into. `image` itself is not changed, and returned when the slot holds this content at this path already and there is nothing to edit. Throws what `findSlot`, `checkFamily` and `checkPlain` throw, `LimitError` when a document grows beyond 4 MiB, and
 * `TypeError` for an injection that no image can take: the caller's mistake.
 */
export function inject(image: Image, injection: Injection): Image {
  checkFamily(image)
  checkInjection(image, injection)
  const slot = findSlot(image, injection.name)
  const isThere = slot?.diffId === injection.layer.diffId && slot.path === injection.path
  const edits = outstanding(image, injection.edits)
  if (isThere && isEmpty(edits)) return image

  checkPlain(slot)
  const own = injection.base ?? image.manifest.descriptor.digest
  const base = findSlots(image).length === 0 ? own : undefined
  // content that is there stays as it is stored: another tool may have compressed it in its own way
  const layer = isThere ? {descriptor: slot.descriptor, diffId: slot.diffId} : injection.layer
  const change = {...injection, layer, edits, base}
  const configBytes = bytesOf(editConfig(image, change, slot))
  const bytes = bytesOf(editManifest(image, change, slot, configBytes))
  const {mediaType} = image.manifest.descriptor
  const digest = digestLike(image.manifest, bytes)
  return decodeImage({descriptor: {mediaType, digest, size: bytes.length}, bytes}, configBytes)
}

/** `base`: the manifest to remember. */
type Change = Omit<Injection, 'base'> & {
  readonly edits: ConfigEdits
  readonly base: Digest | undefined
}

/** The edits that the image does not show yet. */
function outstanding({config, manifest}: Image, edits: ConfigEdits = {}): ConfigEdits {
  return isDeepStrictEqual(valuesBefore(config.value, manifest.value, edits), edits) ? {} : edits
}

function editConfig(image: Image, injection: Change, slot: Slot | undefined): string {
  const {name, layer, created, edits, base} = injection
  const {config, manifest} = image
  const {rootfs, history = [], container_config} = config.value
  const position = slot?.layer ?? rootfs.diff_ids.length
  let text = setMember(textOf(config), ['rootfs', 'diff_ids', position], layer.diffId)
  if (history.length > 0) {
    const step = slot?.history ?? history.length
    text = setMember(text, ['history', step], slotStep(name, created))
  }
  if (base !== undefined && isDocker(image))
    text = setMember(text, ['config', 'Labels', baseDigest], base)
  text = setLabels(text, ['config', 'Labels'], injection)
  if (container_config) text = setLabels(text, ['container_config', 'Labels'], injection)
  if (!isEmpty(edits)) {
    const label = slotLabels(name).before
    const known = parseEdits(new Map(Object.entries(config.value.config?.Labels ?? {})).get(label))
    const before = mergeEdits(known, valuesBefore(config.value, manifest.value, edits))
    text = editConfigText(text, config.value, edits)
    text = setMember(text, ['config', 'Labels', label], JSON.stringify(before))
  }
  return setMember(text, ['created'], imageTime(config.value.created, injection))
}

function isDocker({manifest: {value, descriptor}}: Image): boolean {
  return familyOf(value, descriptor.mediaType) === 'docker'
}

function setLabels(text: string, labels: JsonPath, {name, layer, path}: Change): string {
  const keys = slotLabels(name)
  const tar = setMember(text, [...labels, keys.tar], layer.diffId)
  const gzip = setMember(tar, [...labels, keys.gzip], layer.descriptor.digest)
  if (path === '/') return removeMember(gzip, [...labels, keys.path])
  return setMember(gzip, [...labels, keys.path], path)
}

function editManifest(
  image: Image,
  {layer, edits, base}: Change,
  slot: Slot | undefined,
  configBytes: Uint8Array,
): string {
  const {manifest, config} = image
  const position = slot?.layer ?? manifest.value.layers.length
  let text = setMember(textOf(manifest), ['layers', position], layer.descriptor)
  if (base !== undefined && !isDocker(image))
    text = setMember(text, ['annotations', baseDigest], base)
  text = editManifestText(text, edits)
  text = setMember(text, ['config', 'digest'], digestLike(config, configBytes))
  text = setMember(text, ['config', 'size'], configBytes.length)
  // what says where else or what the old config is does not hold for the new one
  text = removeMember(text, ['config', 'urls'])
  if (config.descriptor.data === undefined) return text
  return setMember(text, ['config', 'data'], Buffer.from(configBytes).toString('base64'))
}

function imageTime(before: string | undefined, {created, imageCreated}: Change): string {
  if (imageCreated !== undefined) return imageCreated
  return before !== undefined && instant(before) >= instant(created) ? before : created
}

/** Milliseconds since the epoch; before all time for what is no RFC 3339 time. */
function instant(time: string): number {
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i.test(time)
  const milliseconds = isTime ? Date.parse(time) : NaN
  return Number.isNaN(milliseconds) ? -Infinity : milliseconds
}

function checkInjection(image: Image, {name, path, layer, edits}: Injection): void {
  const {manifest} = image
  if (edits?.annotations && isDocker(image)) {
    throw new PreconditionError(
      'ERR_INJECT_NO_ANNOTATIONS',
      "the image is in Docker's format, whose manifests have no annotations",
      {hint: 'say it with --label'},
    )
  }
  if (!isSlotName(name)) throw new TypeError(`not a slot name: ${name}`)
  if (!isSlotPath(path)) throw new TypeError(`not a slot path: ${path}`)
  if (!mayHold(manifest, layer)) {
    const {mediaType} = layer.descriptor
    throw new TypeError(
      `a layer of type ${mediaType} cannot be in ${manifest.descriptor.mediaType}`,
    )
  }
}

function mayHold({value, descriptor}: Encoded<Manifest>, layer: Layer): boolean {
  const {mediaType} = layer.descriptor
  const compression = layerCompression(mediaType)
  const isDocker = mediaType.startsWith(dockerLayer)
  if (familyOf(value, descriptor.mediaType) === 'oci') return compression !== undefined && !isDocker
  return isDocker && (compression === 'gzip' || compression === 'none')
}
