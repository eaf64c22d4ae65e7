import {isDeepStrictEqual} from 'node:util'
import {PreconditionError} from '../../errors.js'
import {slotLabels, slotNameOf} from '../../oci/annotation.js'
import {quoted} from '../../oci/quoted.js'
import {type ConfigEdits, isEmpty, parseEdits, valuesBefore} from '../config-edits.js'
import {eject, isSameImage} from '../eject.js'
import {inFamilyOf} from '../family.js'
import {layerSteps} from '../history.js'
import type {Image, NumberedLayer} from '../image.js'
import {inject} from '../inject.js'
import {labelsOf} from '../labels.js'
import type {MergedFile} from '../merge.js'
import type {Sharding, SlotParents} from '../sharding.js'
import {findSlot, findSlots, numberedLayers, type Slot} from '../slot.js'
import {type NewBase, withNewBase} from './base-annotations.js'

/** A slot taken out of its image, to be put on another one. */
export interface CarriedSlot {
  readonly name: string
  readonly path: string
  /** Lowest first. */
  readonly layers: readonly NumberedLayer[]
  readonly sharding: Sharding
  readonly parents: SlotParents | undefined
  readonly merges: readonly MergedFile[]
  /** Where the content was taken from, as its label has it. */
  readonly from: string | undefined
  readonly fleet: string | undefined
  /** RFC 3339, from its history entry. */
  readonly created: string
  /** The edits made together with it, and the previous values. */
  readonly edits: ConfigEdits
  readonly before: ConfigEdits
}

/** An image in its parts. */
export interface TakenSlots {
  /** Lowest first. */
  readonly slots: readonly CarriedSlot[]
  /** The image without any slot. */
  readonly rest: Image
}

/** Takes all slots out of an image. Throws what `findSlot` and `eject` throw. */
export function takeSlots(image: Image): TakenSlots {
  refuseLostSlots(image)
  const slots: CarriedSlot[] = []
  let rest = image
  for (const {name} of findSlots(image).reverse()) {
    const slot = findSlot(rest, name)
    if (!slot) throw new TypeError(`slot ${name} is gone`)
    slots.unshift(describe(rest, slot))
    rest = eject(rest, name)
  }
  return {slots, rest}
}

/** Puts slots on top of an image, in their order. Throws what `inject` throws. */
export function putSlots(onto: Image, slots: readonly CarriedSlot[], base: NewBase): Image {
  return slots.reduce((image, slot) => {
    const {name, path, sharding, parents, merges, from, fleet, created} = slot
    const edits = withNewBase(slot.edits, base)
    return inject(image, {
      ...{name, path, sharding, parents, merges, from, fleet, created},
      layers: slot.layers.map(({descriptor, diffId}) => ({
        descriptor: inFamilyOf(image, descriptor),
        diffId,
      })),
      ...(!isEmpty(edits) && {edits}),
      base: base.digest,
      origin: base.origin,
    })
  }, onto)
}

/** A member of a config that a slot sets, and whose value differs in another image. */
export interface ChangedTwice {
  readonly slot: string
  /** `env PATH`, `entrypoint`. */
  readonly member: string
}

/** Members that were edited together with a slot, and whose original value differs in `onto`. */
export function changedTwice({slots}: TakenSlots, onto: Image): readonly ChangedTwice[] {
  return slots.flatMap(({name: slot, before}) => {
    const now = valuesBefore(onto.config.value, onto.manifest.value, before)
    return membersThatDiffer(before, now).map((member) => ({slot, member}))
  })
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_BUILT_UPON`) when the image without its slots is not the
 * one that they were put into: somebody built on it, and a rebase would lose that. `original` is
 * that one; without it, only what is above the slots is looked at.
 */
export function refuseBuiltUpon(
  image: Image,
  {slots, rest}: TakenSlots,
  original: Image | undefined,
  what: string,
): void {
  const why = original ? differenceTo(original, rest) : whatIsAbove(image, slots)
  if (why === undefined) return
  throw new PreconditionError(
    'ERR_INJECT_BUILT_UPON',
    `${what} is no longer the vendor's image with slots: ${why}`,
    {
      hint: 'rebase the image that it was built on, and build this one again on the result',
    },
  )
}

function differenceTo(original: Image, rest: Image): string | undefined {
  if (isSameImage(rest, original)) return undefined
  const [was, is] = [original, rest].map(({config}) => config.value.rootfs.diff_ids)
  if (isDeepStrictEqual(was, is))
    return `its config differs from that of ${original.manifest.descriptor.digest} in more than its slots`
  return `its layers below the slots are not those of ${original.manifest.descriptor.digest}`
}

/** Why something was built on it: layers or history entries above the slots. */
function whatIsAbove(image: Image, slots: readonly CarriedSlot[]): string | undefined {
  const {layers} = image.manifest.value
  const {history = []} = image.config.value
  const own = new Set(findSlots(image).flatMap((slot) => slot.layers.map(({layer}) => layer)))
  const count = slots.reduce((sum, slot) => sum + slot.layers.length, 0)
  if (layers.some((_, at) => at >= layers.length - count && !own.has(at)))
    return 'there are layers above its slots'
  const steps = layerSteps(history, layers.length)
  const last = steps.at(-1)
  return last !== undefined && last < history.length - 1
    ? 'there are steps in its history after its slots'
    : undefined
}

function describe({config, manifest}: Image, slot: Slot): CarriedSlot {
  const {value} = config
  const {name, path, sharding, parents, merges, fleet} = slot
  const before = parseEdits(labelsOf({config}).get(slotLabels(name).before))
  return {
    ...{name, path, sharding, parents, merges, fleet, before},
    layers: numberedLayers(slot),
    from: labelsOf({config}).get(slotLabels(name).from),
    created: value.history?.[slot.history ?? -1]?.created ?? value.created ?? epoch,
    // the edited members still have the values that the edits set
    edits: valuesBefore(value, manifest.value, before),
  }
}

const epoch = '1970-01-01T00:00:00Z'

/** `findSlots` leaves out slots that have lost a layer; `findSlot` says so. */
function refuseLostSlots(image: Image): void {
  for (const label of labelsOf(image).keys()) {
    const name = slotNameOf(label)
    if (name !== undefined) findSlot(image, name)
  }
}

function membersThatDiffer(before: ConfigEdits, now: ConfigEdits): string[] {
  const others = new Map(Object.entries(now))
  return Object.entries(before).flatMap(([key, value]: [string, unknown]) => {
    const other = others.get(key) as unknown
    if (isDeepStrictEqual(value, other)) return []
    if (!isRecord(value) || !isRecord(other)) return [key]
    const names = Object.keys(value).filter((name) => value[name] !== other[name])
    return names.map((name) => `${key} ${quoted(name, 100)}`)
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
