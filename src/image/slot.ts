import {IntegrityError, PreconditionError} from '../errors.js'
import {slotLabels, slotNameOf} from '../oci/annotation.js'
import {quoted} from '../oci/quoted.js'
import {countsUp, isSlotStep, layerSteps, newestIn, ownSteps} from './history.js'
import type {Image, Layer, NumberedLayer} from './image.js'
import {labelsOf} from './labels.js'
import {type MergedFile, parseMerges} from './merge.js'
import {
  mostLayers,
  parseParents,
  parseSharding,
  type Sharding,
  type SlotParents,
} from './sharding.js'
import {isSlotPath} from './slot-path.js'
import {
  isAmbiguous,
  type IsOwn,
  type LabelledSlot,
  type PlacedLayer,
  placeSlots,
  type Places,
} from './slot-places.js'

/** One layer of a slot. */
export interface SlotLayer extends PlacedLayer {
  /**
   * Seconds since the epoch: no file in it is newer; `undefined` if the history does not say so.
   */
  readonly newest: number | undefined
}

/**
 * The named place of injected content in one image. What it says of a layer is said of its lowest
 * one, which is the only one unless it is sharded.
 */
export interface Slot extends SlotLayer {
  readonly name: string
  /** Where in the image its directory belongs. */
  readonly path: string
  /** Lowest first; other layers may be between them. */
  readonly layers: readonly SlotLayer[]
  /** How its content was asked to be divided. */
  readonly sharding: Sharding
  /** Where its directories come from; `undefined` if that is not recorded: most likely `dir`. */
  readonly parents: SlotParents | undefined
  /** Files that hold the vendor's part and ours. */
  readonly merges: readonly MergedFile[]
  /** The fleet that looks after it, as the image says; untrusted text. */
  readonly fleet: string | undefined
}

/**
 * The slot called `name`; `undefined` when the image never had it. Throws `PreconditionError`
 * (`ERR_INJECT_SLOT_LOST`) when it had, but a labelled layer is gone, and `IntegrityError` when the
 * label for its path (`ERR_INJECT_SLOT_PATH_INVALID`) or for its merged files
 * (`ERR_INJECT_SLOT_MERGE_INVALID`) holds no such thing.
 */
export function findSlot(image: Image, name: string): Slot | undefined {
  const labels = labelsOf(image)
  const diffIds = labelledLayers(labels, name)
  if (diffIds === undefined) return undefined
  const places = placesOf(image)
  const isOwn = ownership(image)
  const wanted = {name, diffIds}
  // others matter only where there is a choice
  const why = missing(diffIds, places)
  const isClear = why !== undefined || !isAmbiguous(wanted, places, isOwn)
  const slots = isClear ? [wanted] : labelledSlots(labels, places)
  const layers = why === undefined && placeSlots(slots, places, isOwn).get(name)
  const slot = layers && slotOf(image, labels, name, layers)
  if (slot) return slot
  throw new PreconditionError(
    'ERR_INJECT_SLOT_LOST',
    `the image is labelled for slot ${quoted(name)}, but ${why ?? 'has not all of its layers'}`,
    {
      hint: `another tool rewrote the layer (by changing its times, or by flattening the image): ${wayOut(image, name)}`,
    },
  )
}

/** What the user can do, judged by the history of the image's layers. */
function wayOut(image: Image, name: string): string {
  const isOwn = ownership(image)
  const own = [...placesOf(image).values()].flat().filter((layer) => isOwn(layer, name))
  const [only, ...others] = own
  const other = 'start from the image as it was before that, or use another --name'
  if (!only || others.length > 0) return other
  return `if it is layer ${only.layer + 1}, as its history says, add --adopt ${only.layer + 1} to inject update; else ${other}`
}

/** Whether the image is labelled for a slot of this name, even if its layers are missing. */
export function isLabelled(image: Image, name: string): boolean {
  return labelledLayers(labelsOf(image), name) !== undefined
}

/**
 * All slots of an image, in the order of their layers. Those of which a layer is gone are left out;
 * `findSlot` says so of each.
 */
export function findSlots(image: Image): Slot[] {
  const labels = labelsOf(image)
  const places = placesOf(image)
  const placed = placeSlots(labelledSlots(labels, places), places, ownership(image))
  const slots = [...placed].flatMap(([name, layers]) => slotOf(image, labels, name, layers) ?? [])
  return slots.sort((a, b) => a.layer - b.layer)
}

/** The layers of a slot with their numbers in the image, lowest first. */
export function numberedLayers({layers}: Pick<Slot, 'layers'>): NumberedLayer[] {
  return layers.map(({descriptor, diffId, layer}) => ({descriptor, diffId, number: layer + 1}))
}

/** Whether a slot holds just these layers, in this order. */
export function hasLayers(
  slot: Slot | undefined,
  layers: readonly Pick<Layer, 'diffId'>[] | undefined,
): boolean {
  if (!slot || slot.layers.length !== layers?.length) return false
  return slot.layers.every(({diffId}, position) => diffId === layers[position]?.diffId)
}

/**
 * The diff IDs that make a slot. A tool that knows slots of one layer only puts a layer of its own
 * on top of one of several, and labels that: it belongs to what the slot shows, too.
 */
function labelledLayers(labels: ReadonlyMap<string, string>, name: string): string[] | undefined {
  const {tar, layers} = slotLabels(name)
  const [one, several] = [labels.get(tar), labels.get(layers)]
  if (one === undefined && several === undefined) return undefined
  const diffIds = several?.split(' ', mostNamed + 1) ?? []
  return [...new Set(one === undefined ? diffIds : [...diffIds, one])]
}

/**
 * As many as a slot can be divided into, and one of a tool that knows no such slots. Labels that
 * name more are read up to here: they are of no slot.
 */
const mostNamed = mostLayers + 1

/** Those that can be in an image of these layers. */
function labelledSlots(labels: ReadonlyMap<string, string>, places: Places): LabelledSlot[] {
  const slots = new Map<string, LabelledSlot>()
  for (const label of labels.keys()) {
    const name = slotNameOf(label)
    if (name === undefined || slots.has(name)) continue
    const diffIds = labelledLayers(labels, name) ?? []
    if (missing(diffIds, places) === undefined) slots.set(name, {name, diffIds})
  }
  return [...slots.values()]
}

/**
 * Why these are not the layers of a slot, one clause: every one of them is another layer of the
 * image.
 */
function missing(diffIds: readonly string[], places: Places): string | undefined {
  if (diffIds.length > mostNamed) return `is labelled with more than ${mostNamed} layers`
  const lost = diffIds.find((diffId) => !places.has(diffId))
  return lost === undefined ? undefined : `has no layer with diff ID ${quoted(lost)}`
}

function ownership({config}: Image): IsOwn {
  const {history = []} = config.value
  return ({history: step}, name) => step !== undefined && isSlotStep(history[step], name)
}

function placesOf({manifest, config}: Image): Places {
  const {history = [], rootfs} = config.value
  const steps = layerSteps(history, manifest.value.layers.length)
  const places = new Map<string, PlacedLayer[]>()
  for (const [layer, descriptor] of manifest.value.layers.entries()) {
    const diffId = rootfs.diff_ids[layer]
    if (diffId === undefined) continue
    const same = places.get(diffId) ?? []
    same.push({layer, history: steps[layer], diffId, descriptor})
    places.set(diffId, same)
  }
  return places
}

function slotOf(
  {manifest, config}: Image,
  labels: ReadonlyMap<string, string>,
  name: string,
  placed: readonly PlacedLayer[],
): Slot | undefined {
  const {history = []} = config.value
  const isLoose = !countsUp(history, manifest.value.layers.length)
  const own = isLoose ? ownSteps(history, name) : []
  const layers = placed
    .toSorted((a, b) => a.layer - b.layer)
    .map((each, at) => ({...each, history: each.history ?? own[at]}))
    .map((each) => ({...each, newest: newestIn(history[each.history ?? -1], name)}))
  const [lowest] = layers
  if (!lowest) return undefined
  const keys = slotLabels(name)
  const path = checkPath(labels.get(keys.path) ?? '/', name)
  const sharding = parseSharding(labels.get(keys.sharding)) ?? layers.length
  const parents = parseParents(labels.get(keys.parents))
  const merges = checkMerges(labels.get(keys.merge), name)
  return {name, path, ...lowest, layers, sharding, parents, merges, fleet: labels.get(keys.fleet)}
}

function checkMerges(text: string | undefined, name: string): readonly MergedFile[] {
  if (text === undefined) return []
  const merges = parseMerges(text)
  if (merges) return merges
  throw new IntegrityError(
    'ERR_INJECT_SLOT_MERGE_INVALID',
    `the image's label ${quoted(slotLabels(name).merge)} does not record merged files`,
    {hint: 'use a newer inject, if one made the image; else remove the label'},
  )
}

function checkPath(path: string, name: string): string {
  if (isSlotPath(path)) return path
  throw new IntegrityError(
    'ERR_INJECT_SLOT_PATH_INVALID',
    `the image's label ${quoted(slotLabels(name).path)} is not a path: ${quoted(path)}`,
  )
}
