import {isDeepStrictEqual} from 'node:util'
import {PreconditionError} from '../errors.js'
import {baseDigest, baseName, isSlotName, runNote, slotLabels} from '../oci/annotation.js'
import type {Digest} from '../oci/digest.js'
import {familyOf, type Manifest} from '../oci/manifest.js'
import {dockerLayer, layerCompression} from '../oci/media-type.js'
import {parseTime} from '../oci/time.js'
import {
  type ConfigEdits,
  editsOfConfig,
  editsOfManifest,
  isEmpty,
  mergeEdits,
  parseEdits,
  valuesBefore,
  refuseReserved,
  setOrRemove,
} from './config-edits.js'
import {checkFamily, checkPlain} from './family.js'
import {historyEdits} from './history-edits.js'
import {
  bytesOf,
  configDescriptorEdits,
  textOf,
  editMembers,
  type JsonPath,
  type MemberEdit,
} from './text-edit.js'
import {editedImage} from './edited-image.js'
import type {Encoded, Image, Layer} from './image.js'
import {labelsOf} from './labels.js'
import {formatMerges, type MergedFile} from './merge.js'
import {findSlot, findSlots, hasLayers, type Slot} from './slot.js'
import type {Sharding, SlotParents} from './sharding.js'
import {editOf, type LayerStep, planLayers} from './slot-layers.js'
import {isSlotPath} from './slot-path.js'

export interface Injection {
  /** Of the slot. */
  readonly name: string
  /**
   * The slot's layers, lowest first, of the image's family of media types. A new one's descriptor
   * is used as it is; what the slot holds already keeps its own.
   */
  readonly layers: readonly Layer[]
  /**
   * How the content was asked to be divided into them: remembered with the slot. Default: as one
   * layer.
   */
  readonly sharding?: Sharding | undefined
  /**
   * RFC 3339: when the content is from. An argument, never the clock: equal inputs give equal
   * digests.
   */
  readonly created: string
  /** Where in the image the slot's directory belongs. */
  readonly path: string
  /** RFC 3339: when the image is from. Default: when it was, or `created` if that is later. */
  readonly imageCreated?: string
  /** What else the image is to say. What it said before is remembered with the slot. */
  readonly edits?: ConfigEdits
  /**
   * The manifest that the first slot of an image remembers, for an image that was made from another
   * one. Default: the image's own; `none` for an image that was made for the slot.
   */
  readonly base?: Digest | 'none'
  /** The reference that named that manifest, with its tag; remembered together with it. */
  readonly origin?: string | undefined
  /** What the image notes of the run that changes it, see `RunNote`. Default: nothing. */
  readonly note?: string | undefined
  /** Where the metadata of the slot's directories comes from; not recorded for `dir`. */
  readonly parents?: SlotParents | undefined
  /** Files that hold the vendor's part and ours. */
  readonly merges?: readonly MergedFile[] | undefined
  /** Where the content was taken from, see `formatGraft`; absent: not from another image. */
  readonly from?: string | undefined
  /** The fleet that looks after the slot from now on; default: the one that did. */
  readonly fleet?: string | undefined
}

/**
 * The image with the layers in its slot: in the places of the slot's layers, or on top of all when
 * the image has no such slot. Layer, diff ID and history entry move together; the labels name the
 * new layers; all else keeps its bytes. The first slot of an image remembers which manifest it was
 * put into. `image` itself is not changed, and returned when the slot holds this content at this
 * path already and there is nothing to edit. Throws what `findSlot`, `checkFamily` and `checkPlain`
 * throw, `LimitError` when a document grows beyond 4 MiB, and `TypeError` for an injection that no
 * image can take: the caller's mistake.
 */
export function inject(image: Image, injection: Injection): Image {
  checkFamily(image)
  checkInjection(image, injection)
  const slot = findSlot(image, injection.name)
  const {layers: wanted, path, sharding = 1} = injection
  const isThere = slot !== undefined && hasLayers(slot, wanted) && slot.path === path
  const edits = outstanding(image, injection.edits)
  const {fleet = slot?.fleet} = injection
  const isAlike =
    isThere && slot.sharding === sharding && slot.fleet === fleet && recordsThe(injection, slot)
  const isKept =
    isAlike &&
    namesItsBlob(image, slot) &&
    labelsOf(image).get(slotLabels(slot.name).from) === injection.from
  if (isKept && isEmpty(edits)) return image

  checkPlain(slot)
  const own = injection.base ?? image.manifest.descriptor.digest
  const base = findSlots(image).length === 0 && own !== 'none' ? own : undefined
  // content that is there stays as it is stored: another tool may have compressed it in its own way
  const layers = isThere ? slot.layers : wanted
  const steps = planLayers(slot, image.manifest.value.layers.length, layers)
  const change = {...injection, layers, sharding, steps, edits, base, fleet}
  const config = bytesOf(editConfig(image, change, slot))
  const manifest = bytesOf(editManifest(image, change, slot, config))
  return editedImage(image, {manifest, config})
}

/** Whether the label that CernVM-FS's tool believes still names the blob that holds the slot. */
function namesItsBlob(image: Image, {name, layers, descriptor}: Slot): boolean {
  const named = labelsOf(image).get(slotLabels(name).gzip)
  return named === undefined || layers.length > 1 || named === descriptor.digest
}

/** A slot from an earlier version is not rewritten only to record its parents. */
function recordsThe({parents: wanted = 'dir', merges}: Injection, slot: Slot): boolean {
  const hasParents = slot.parents === undefined || slot.parents === wanted
  return hasParents && formatMerges(slot.merges) === formatMerges(merges)
}

/** `base`: the manifest to remember. */
type Change = Omit<Injection, 'base'> & {
  readonly sharding: Sharding
  readonly steps: readonly LayerStep[]
  readonly edits: ConfigEdits
  readonly base: Digest | undefined
}

/** The edits that the image does not show yet. */
function outstanding({config, manifest}: Image, edits: ConfigEdits = {}): ConfigEdits {
  return isDeepStrictEqual(valuesBefore(config.value, manifest.value, edits), edits) ? {} : edits
}

function editConfig(image: Image, injection: Change, slot: Slot | undefined): string {
  const {name, edits, steps} = injection
  const {config, manifest} = image
  const {container_config} = config.value
  const changes = steps.flatMap((step) => {
    if (step.kind === 'keep') return []
    return [editOf(step, ['rootfs', 'diff_ids', step.at], 'layer' in step && step.layer.diffId)]
  })
  changes.push(...historyEdits(image, injection, slot))
  if (isDocker(image)) changes.push(...originEdits(['config', 'Labels'], injection))
  changes.push(...labelEdits(['config', 'Labels'], injection))
  if (container_config) changes.push(...labelEdits(['container_config', 'Labels'], injection))
  if (!isEmpty(edits)) {
    const label = slotLabels(name).before
    const known = parseEdits(labelsOf(image).get(label))
    const before = mergeEdits(known, valuesBefore(config.value, manifest.value, edits))
    changes.push(...editsOfConfig(config.value, edits))
    changes.push(setOrRemove(['config', 'Labels', label], JSON.stringify(before)))
  }
  changes.push(setOrRemove(['created'], imageTime(config.value.created, injection)))
  return editMembers(textOf(config), changes)
}

function isDocker({manifest: {value, descriptor}}: Image): boolean {
  return familyOf(value, descriptor.mediaType) === 'docker'
}

function labelEdits(labels: JsonPath, change: Change): MemberEdit[] {
  const {name, layers, path, sharding, parents = 'dir', merges, fleet} = change
  const keys = slotLabels(name)
  const [layer, ...others] = layers
  const only = others.length === 0 ? layer : undefined
  const values: readonly (readonly [string, string | undefined])[] = [
    [keys.tar, only?.diffId],
    [keys.gzip, only?.descriptor.digest],
    [keys.layers, only ? undefined : layers.map(({diffId}) => diffId).join(' ')],
    [keys.sharding, sharding === 1 ? undefined : String(sharding)],
    [keys.path, path === '/' ? undefined : path],
    [keys.from, change.from],
    [keys.parents, parents === 'dir' ? undefined : parents],
    [keys.merge, formatMerges(merges)],
    [keys.fleet, fleet],
  ]
  return values.map(([key, value]) => setOrRemove([...labels, key], value))
}

/** The annotations of the image: its origin, with its first slot, and the run. */
function originEdits(place: JsonPath, {base, origin, note}: Change): MemberEdit[] {
  const said = setOrRemove([...place, runNote], note)
  if (base === undefined) return [said]
  return [
    setOrRemove([...place, baseDigest], base),
    setOrRemove([...place, baseName], origin),
    said,
  ]
}

function editManifest(
  image: Image,
  change: Change,
  slot: Slot | undefined,
  configBytes: Uint8Array,
): string {
  const {steps, layers, edits} = change
  const {manifest, config} = image
  const kept = new Map(slot?.layers.map(({layer, ...each}) => [layer, each]))
  const changes = steps.flatMap((step) => {
    const position = ['layers', step.at] as const
    if (step.kind !== 'keep')
      return [editOf(step, position, 'layer' in step && step.layer.descriptor)]
    // the same content, stored in another way: the blob that was there may be gone
    const {diffId, descriptor} = kept.get(step.at) ?? {}
    const next = layers.find((each) => each.diffId === diffId)?.descriptor
    return next && next.digest !== descriptor?.digest ? [setOrRemove(position, next)] : []
  })
  if (!isDocker(image)) changes.push(...originEdits(['annotations'], change))
  changes.push(...editsOfManifest(edits))
  changes.push(...configDescriptorEdits(config, configBytes))
  const {data} = config.descriptor
  if (data !== undefined)
    changes.push(setOrRemove(['config', 'data'], Buffer.from(configBytes).toString('base64')))
  return editMembers(textOf(manifest), changes)
}

function imageTime(before: string | undefined, {created, imageCreated}: Change): string {
  if (imageCreated !== undefined) return imageCreated
  const time = parseTime(before)
  return before !== undefined && time !== undefined && time >= (parseTime(created) ?? -Infinity)
    ? before
    : created
}

function checkInjection(image: Image, {name, path, layers, sharding = 1, edits}: Injection): void {
  const {manifest} = image
  refuseReserved(edits)
  if (edits?.annotations && isDocker(image)) {
    throw new PreconditionError(
      'ERR_INJECT_NO_ANNOTATIONS',
      "the image is in Docker's format, whose manifests have no annotations",
      {hint: 'say it with --label'},
    )
  }
  if (!isSlotName(name)) throw new TypeError(`not a slot name: ${name}`)
  if (!isSlotPath(path)) throw new TypeError(`not a slot path: ${path}`)
  if (layers.length === 0) throw new TypeError('a slot has at least one layer')
  if (layers.length > 1 && sharding === 1) throw new TypeError('several layers are not one')
  const misfit = layers.find((layer) => !mayHold(manifest, layer))
  if (misfit) {
    const {mediaType} = misfit.descriptor
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
