import {isSlotPath} from '../../image/slot-path.js'
import {parseSlotName} from '../../oci/annotation.js'
import {parseReference} from '../../oci/names/reference.js'
import type {FleetSource} from '../fleet.js'
import {mistakeAt} from '../../yaml/position.js'
import {type Environment, expandedText} from './environment.js'
import {type Item, itemsOf, membersOf, mustBe, parsedAt, textOf} from '../../yaml/item.js'

/** The keys of `source`, where it is not a path. */
export const sourceKeys = ['image', 'slot', 'path'] as const

/** The keys of a slot of certificates; the images decide on the others. */
const certificateKeys = ['name', 'certs', 'compression', 'compression-level']

/** What the members `source` or `certs` of a slot say. Throws `UsageError`. */
export function decodeSource(
  slot: Item,
  members: ReadonlyMap<string, Item>,
  env: Environment,
): FleetSource {
  const [source, certs] = [members.get('source'), members.get('certs')]
  if (source && certs) throw mistakeAt(certs.at, 'a slot has either source or certs')
  if (certs) return certificatesIn(certs, members, env)
  if (!source) throw mistakeAt(slot.at, 'a slot needs source or certs')
  if (source.kind === 'map') return imageOf(source, env)
  return {kind: 'path', path: pathOf(source, 'source', env)}
}

function certificatesIn(
  item: Item,
  members: ReadonlyMap<string, Item>,
  env: Environment,
): FleetSource {
  for (const [key, {at}] of members) {
    if (certificateKeys.includes(key)) continue
    throw mistakeAt(at, `a slot with certs has no ${key}`, `it has ${certificateKeys.join(', ')}`)
  }
  const items = item.kind === 'list' ? itemsOf(item, 'certs') : [item]
  if (items.length === 0) throw mustBe(item, 'certs', 'a list of PEM files')
  return {kind: 'certs', files: items.map((each) => pathOf(each, 'certs', env))}
}

function imageOf(item: Item, env: Environment): FleetSource {
  const members = membersOf(item, 'source', sourceKeys)
  const [image, slot, path] = sourceKeys.map((key) => members.get(key))
  if (!image) throw mistakeAt(item.at, 'a source that is an image needs image')
  return {
    kind: 'image',
    reference: parsedAt(image, () => parseReference(expandedText(image, 'source.image', env))),
    slot: slot && parsedAt(slot, () => parseSlotName(textOf(slot, 'source.slot'))),
    path: path && imagePath(path),
  }
}

function imagePath(item: Item): string {
  const path = textOf(item, 'source.path')
  if (isSlotPath(path)) return path
  throw mustBe(item, 'source.path', 'a path in an image', 'write it as in /opt/model')
}

function pathOf(item: Item, what: string, env: Environment): string {
  const path = expandedText(item, what, env)
  if (path !== '' && !path.includes('\0')) return path
  throw mustBe(item, what, what === 'certs' ? 'the path of a PEM file' : 'a path')
}
