import {isDeepStrictEqual} from 'node:util'
import {PreconditionError} from '../errors.js'
import {baseDigest, baseName, runNote, slotLabels} from '../oci/annotation.js'
import type {ImageConfig} from '../oci/config.js'
import {parseAccepted} from '../oci/json-value.js'
import {quoted} from '../oci/quoted.js'
import {editsOfConfig, editsOfManifest, parseEdits} from './config-edits.js'
import {
  bytesOf,
  configDescriptorEdits,
  textOf,
  editMembers,
  type JsonPath,
  type MemberEdit,
  removeMember,
} from './text-edit.js'
import {checkFamily} from './family.js'
import {editedImage} from './edited-image.js'
import type {Encoded, Image} from './image.js'
import {labelsOf} from './labels.js'
import {findSlot, findSlots, type Slot} from './slot.js'

/**
 * The image without the slot: its layers, diff IDs, history entries and labels are gone, and what
 * was edited together with it says again what it said before; all else keeps its bytes. Throws
 * `PreconditionError` (`ERR_INJECT_NO_SLOT`) when there is no such slot, and what `findSlot` and
 * `checkFamily` throw.
 */
export function eject(image: Image, name: string): Image {
  checkFamily(image)
  const slot = findSlot(image, name)
  if (!slot) {
    const others = findSlots(image).map((other) => other.name)
    throw new PreconditionError('ERR_INJECT_NO_SLOT', `the image has no slot ${quoted(name)}`, {
      hint: others.length === 0 ? 'it has no slots at all' : `its slots: ${others.join(', ')}`,
    })
  }
  const isLast = findSlots(image).length === 1
  const config = bytesOf(editConfig(image.config, slot, isLast))
  const manifest = bytesOf(editManifest(image, slot, isLast, config))
  return editedImage(image, {manifest, config})
}

/**
 * Whether `rest`, which slots were taken out of, is `original` again, so that this may stand in its
 * place: the same layers, by their content, and the same config but for its time and for what is
 * empty. (A child image that was built on an injected one remembers the base of its parent.)
 */
export function isSameImage(rest: Image, original: Image): boolean {
  return isDeepStrictEqual(essence(rest.config.value), essence(original.config.value))
}

function editConfig(config: Encoded<ImageConfig>, slot: Slot, isLast: boolean): string {
  const {value} = config
  const keys = slotLabels(slot.name)
  const before = parseEdits(labelsOf({config}).get(keys.before))
  const own: string[] = Object.values<string>({...keys})
  if (isLast) own.push(...ofAnySlot)
  const gone: JsonPath[] = [
    ...slot.layers.map(({layer}) => ['rootfs', 'diff_ids', layer]),
    ...slot.layers.flatMap(({history}) => (history === undefined ? [] : [['history', history]])),
    ...['config', 'container_config'].flatMap((place) => own.map((key) => [place, 'Labels', key])),
  ]
  return editMembers(textOf(config), [...editsOfConfig(value, before), ...gone.map(removal)])
}

function editManifest(
  {manifest, config}: Image,
  slot: Slot,
  isLast: boolean,
  configBytes: Uint8Array,
): string {
  const before = parseEdits(labelsOf({config}).get(slotLabels(slot.name).before))
  const edited = editMembers(textOf(manifest), [
    ...slot.layers.map(({layer}) => removal(['layers', layer])),
    ...editsOfManifest(before),
    ...(isLast ? ofAnySlot.map((key) => removal(['annotations', key])) : []),
    ...configDescriptorEdits(config, configBytes),
  ])
  const {annotations} = parseAccepted(edited) as {readonly annotations?: object | null}
  const isEmptied = before.annotations && Object.keys(annotations ?? {}).length === 0
  return isEmptied ? removeMember(edited, ['annotations']) : edited
}

/** The annotations of an image that has any slot. */
const ofAnySlot = [baseDigest, baseName, runNote]

function removal(path: JsonPath): MemberEdit {
  return {kind: 'remove', path}
}

/** What a config says, without what says nothing. */
function essence(config: ImageConfig): unknown {
  return withoutEmpty({...config, created: undefined})
}

function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value ?? undefined
  const members = Object.entries(value)
    .map(([key, member]) => [key, withoutEmpty(member)] as const)
    .filter(([, member]) => member !== undefined)
  return members.length === 0 ? undefined : new Map(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}
