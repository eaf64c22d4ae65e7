import {parseMergeRule, refuseRepeated} from '../../image/merge.js'
import {parseSharding, type Sharding} from '../../image/sharding.js'
import {parseSlotPath} from '../../image/slot-path.js'
import {parentsModes} from '../../layer/pack/parents.js'
import {parseModeRule} from '../../layer/tree/mode-rule.js'
import {parseOwner} from '../../layer/tree/owner.js'
import {parseSlotName} from '../../oci/annotation.js'
import {layerCompressions} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'
import type {FleetSlot} from '../fleet.js'
import {decodeSource} from './decode-source.js'
import type {Environment} from './environment.js'
import {
  booleanOf,
  type Item,
  itemsOf,
  membersOf,
  mustBe,
  numberOf,
  parsedAt,
  textOf,
  textsOf,
  wordOf,
} from '../../yaml/item.js'
import {mistakeAt} from '../../yaml/position.js'

/** The keys of an item of `slots`. */
export const slotKeys = [
  'name',
  'source',
  'certs',
  'path',
  'owner',
  'mode',
  'exclude',
  'whiteouts',
  'allow-empty',
  'merge',
  'parents',
  'layers',
  'compression',
  'compression-level',
] as const

const mostSlots = 32

/** The slots of a fleet, which have different names. */
export function decodeSlots(item: Item, env: Environment): readonly FleetSlot[] {
  const items = itemsOf(item, 'slots')
  if (items.length > mostSlots) throw mustBe(item, 'slots', `a list of at most ${mostSlots}`)
  const slots = items.map((each) => decodeSlot(each, env))
  for (const [at, {name}] of slots.entries()) {
    const place = items[at]?.at
    if (place && slots.findIndex((other) => other.name === name) < at)
      throw mistakeAt(place, `slot ${quoted(name)} is there twice`)
  }
  return slots
}

function decodeSlot(item: Item, env: Environment): FleetSlot {
  const members = membersOf(item, 'a slot', slotKeys)
  const maybe = <T>(key: (typeof slotKeys)[number], read: (value: Item) => T): T | undefined => {
    const value = members.get(key)
    return value && read(value)
  }
  const name = members.get('name')
  if (!name) throw mistakeAt(item.at, 'a slot needs name')
  const compression = maybe('compression', (value) =>
    wordOf(value, 'compression', layerCompressions),
  )
  const levelItem = members.get('compression-level')
  if (levelItem && compression !== undefined && compression !== 'gzip')
    throw mistakeAt(levelItem.at, `compression-level works with gzip only, not ${compression}`)
  return {
    name: parsedAt(name, () => parseSlotName(textOf(name, 'name'))),
    source: decodeSource(item, members, env),
    path: maybe('path', (value) => parsedAt(value, () => parseSlotPath(textOf(value, 'path')))),
    owner: maybe('owner', (value) => parsedAt(value, () => parseOwner(textOf(value, 'owner')))),
    chmod: maybe('mode', (value) => parsedAt(value, () => parseModeRule(textOf(value, 'mode')))),
    exclude: maybe('exclude', (value) => textsOf(value, 'exclude')) ?? [],
    whiteouts: maybe('whiteouts', (value) => booleanOf(value, 'whiteouts')) ?? false,
    allowEmpty: maybe('allow-empty', (value) => booleanOf(value, 'allow-empty')) ?? false,
    merges: maybe('merge', mergesOf),
    parents: maybe('parents', (value) => wordOf(value, 'parents', parentsModes)) ?? 'dir',
    layers: maybe('layers', layersOf),
    compression: compression ?? 'gzip',
    level: levelItem && numberOf(levelItem, 'compression-level', {least: 1, most: 9}),
  }
}

function mergesOf(item: Item): FleetSlot['merges'] {
  return parsedAt(item, () => {
    const rules = textsOf(item, 'merge').map(parseMergeRule)
    refuseRepeated(rules)
    return rules
  })
}

function layersOf(item: Item): Sharding {
  const text = item.kind === 'scalar' ? String(item.value) : undefined
  const layers = parseSharding(text)
  if (layers !== undefined) return layers
  throw mustBe(item, 'layers', 'auto, or a number of layers')
}
