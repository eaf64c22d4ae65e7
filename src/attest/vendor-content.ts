import {isDeepStrictEqual} from 'node:util'
import type {Image} from '../image/image.js'
import {
  bytesOf,
  configDescriptorEdits,
  digestLike,
  editMembers,
  type MemberEdit,
  textOf,
} from '../image/text-edit.js'
import {setOrRemove} from '../image/config-edits.js'
import {toOci} from '../image/to-oci.js'
import type {Digest} from '../oci/digest.js'
import type {Manifest} from '../oci/manifest.js'

/**
 * Whether an image that slots were taken out of is the manifest with this digest again, byte for
 * byte. What a slot leaves behind is not known: the time of the config, which it moves, and objects
 * for labels and annotations, which it makes. So the few forms that the vendor can have written are
 * tried: the time of the last step or none, and each empty object or none.
 */
export function isRebuilt(rest: Image, digest: Digest): boolean {
  const {config, manifest} = rest
  const last = config.value.history?.at(-1)?.created
  const times = [[], ...[last, undefined].map((time) => [setOrRemove(['created'], time)])]
  const configs = times.flatMap((time) =>
    withoutEmpty(config.value, emptyInConfig).map((edits) => [...time, ...edits]),
  )
  const manifests = withoutEmpty(manifest.value, [['annotations']])
  return configs.some((edits) => {
    const bytes = bytesOf(editMembers(textOf(config), edits))
    return manifests.some((more) => {
      const named = [...configDescriptorEdits(config, bytes), ...more]
      return digestLike(manifest, bytesOf(editMembers(textOf(manifest), named))) === digest
    })
  })
}

const emptyInConfig = [['config', 'Labels'], ['container_config', 'Labels'], ['config']]

/** Edits that remove none, one or several of these members, each only if it says nothing. */
function withoutEmpty(value: object, paths: readonly (readonly string[])[]): MemberEdit[][] {
  const forms: MemberEdit[][] = [[]]
  for (const path of paths) {
    if (!isEmptyAt(value, path)) continue
    const isBelow = (edit: MemberEdit): boolean => path.every((name, at) => edit.path[at] === name)
    const more = forms.map((edits) => edits.filter((edit) => !isBelow(edit)))
    forms.push(...more.map((edits): MemberEdit[] => [...edits, {kind: 'remove', path}]))
  }
  return forms
}

/** Whether there is an object without members, or with nothing but such labels. */
function isEmptyAt(value: object, path: readonly string[]): boolean {
  const found = path.reduce<unknown>((inner, name) => memberOf(inner, name), value)
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return false
  const names = Object.keys(found)
  return names.length === 0 || (names.join() === 'Labels' && isEmptyAt(found, ['Labels']))
}

function memberOf(value: unknown, name: string): unknown {
  const isObject = typeof value === 'object' && value !== null && Object.hasOwn(value, name)
  return isObject ? (value as Readonly<Record<string, unknown>>)[name] : undefined
}

/**
 * How an image that slots were taken out of differs from the vendor's, one clause; `undefined` if
 * only the time of its config does. Layers are compared by their digests as they are stored.
 */
export function differenceFromVendor(rest: Image, vendor: Image): string | undefined {
  const isConverted = rest.manifest.descriptor.mediaType !== vendor.manifest.descriptor.mediaType
  const original = isConverted ? toOci(vendor) : vendor
  const [own, theirs] = [rest, original].map(({manifest}) => manifest.value)
  if (!own || !theirs) throw new TypeError('two images are compared')
  if (own.layers.length !== theirs.layers.length)
    return `it has ${own.layers.length} layers beside its slots, and the vendor's has ${theirs.layers.length}`
  const changed = own.layers.findIndex(({digest}, at) => digest !== theirs.layers[at]?.digest)
  if (changed >= 0) return `layer ${changed + 1} is not the vendor's`
  if (!isDeepStrictEqual(essenceOf(own), essenceOf(theirs)))
    return "its manifest differs from the vendor's in more than its slots"
  if (!isDeepStrictEqual(membersOf(rest.config.value), membersOf(original.config.value)))
    return "its config differs from the vendor's in more than its slots"
  return undefined
}

/** A manifest without what follows from its config, and without what is empty. */
function essenceOf({config, annotations = {}, ...manifest}: Manifest): unknown {
  return {
    ...manifest,
    config: {...config, digest: '', size: 0, data: ''},
    annotations: new Map(Object.entries(annotations)),
    mediaType: '',
  }
}

/**
 * The members of a config, without its time, and without what a slot may leave behind empty.
 * Everything else is the vendor's: even an empty object says something, such as a port.
 */
function membersOf(config: object): ReadonlyMap<string, unknown> {
  const members = new Map<string, unknown>(Object.entries(config))
  members.delete('created')
  for (const name of ['config', 'container_config']) {
    const inner = members.get(name)
    if (typeof inner !== 'object' || inner === null) continue
    const {Labels: labels, ...rest} = inner as {Labels?: object | null}
    const own = {...rest, ...(Object.keys(labels ?? {}).length > 0 && {Labels: labels})}
    if (Object.keys(own).length === 0) members.delete(name)
    else members.set(name, own)
  }
  return members
}
