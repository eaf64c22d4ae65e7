import {type ConfigEdits, refuseReserved, withoutOldCommand} from '../../image/config-edits.js'
import type {PlatformChoice} from '../../image/platforms.js'
import {parsePlatform} from '../../oci/platform.js'
import {quoted} from '../../oci/quoted.js'
import {basePolicies, type ImageRules} from '../fleet.js'
import {parseTemplate} from '../template.js'
import {type Environment, expandedText} from './environment.js'
import {
  booleanOf,
  type Item,
  membersOf,
  mustBe,
  numberOf,
  parsedAt,
  textOf,
  textsOf,
  wordOf,
} from '../../yaml/item.js'
import {mistakeAt} from '../../yaml/position.js'

/** The keys of `defaults`, which an entry of `images` may have as well. */
export const ruleKeys = [
  'platforms',
  'target',
  'base',
  'attestations',
  'keep',
  'to-oci',
  'edits',
  'slots',
] as const

/** What holds where neither the entry nor `defaults` say otherwise. */
export const usualRules: ImageRules = {
  platforms: 'all',
  target: undefined,
  base: 'follow',
  attestations: 'drop',
  keep: undefined,
  toOci: false,
  edits: undefined,
  slots: undefined,
}

/** What the decoding of rules needs to know. */
export interface RuleContext {
  readonly env: Environment
  /** The names of all slots of the fleet. */
  readonly slots: readonly string[]
}

/** Rules, with those of `usual` for what is absent. */
export function decodeRules(
  members: ReadonlyMap<string, Item>,
  usual: ImageRules,
  {env, slots}: RuleContext,
): ImageRules {
  const given = <T>(key: (typeof ruleKeys)[number], read: (item: Item) => T, other: T): T => {
    const item = members.get(key)
    return item ? read(item) : other
  }
  return {
    platforms: given('platforms', platformsOf, usual.platforms),
    target: given(
      'target',
      (item) => parsedAt(item, () => parseTemplate(expandedText(item, 'target', env))),
      usual.target,
    ),
    base: given('base', (item) => wordOf(item, 'base', basePolicies), usual.base),
    attestations: given(
      'attestations',
      (item) => wordOf(item, 'attestations', ['drop', 'keep']),
      usual.attestations,
    ),
    keep: given('keep', (item) => numberOf(item, 'keep', {least: 1, most: 1000}), usual.keep),
    toOci: given('to-oci', (item) => booleanOf(item, 'to-oci'), usual.toOci),
    edits: given('edits', decodeEdits, usual.edits),
    slots: given('slots', (item) => slotNamesOf(item, slots), usual.slots),
  }
}

function platformsOf(item: Item): PlatformChoice {
  const texts = textsOf(item, 'platforms')
  if (texts.includes('all')) return 'all'
  if (texts.length === 0) throw mustBe(item, 'platforms', 'all, or a list of platforms')
  return parsedAt(item, () => texts.map(parsePlatform))
}

function slotNamesOf(item: Item, known: readonly string[]): readonly string[] {
  const names = textsOf(item, 'slots')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return names
  throw mistakeAt(item.at, `the fleet has no slot ${quoted(unknown)}`, `it has ${known.join(', ')}`)
}

/** The keys of `edits`. */
export const editKeys = [
  'env',
  'labels',
  'annotations',
  'entrypoint',
  'cmd',
  'workdir',
  'user',
  'stop-signal',
] as const

function decodeEdits(item: Item): ConfigEdits {
  const members = membersOf(item, 'edits', editKeys)
  const edits: {-readonly [K in keyof ConfigEdits]: ConfigEdits[K]} = {}
  for (const [key, value] of members) {
    if (key === 'env' || key === 'labels' || key === 'annotations')
      edits[key] = mapOfTexts(value, `edits.${key}`)
    else if (key === 'entrypoint' || key === 'cmd') edits[key] = textsOf(value, `edits.${key}`)
    else if (key === 'workdir' || key === 'user') edits[key] = textOf(value, `edits.${key}`)
    else edits.stopSignal = textOf(value, `edits.${key}`)
  }
  return parsedAt(item, () => {
    refuseReserved(edits)
    return withoutOldCommand(edits)
  })
}

/** A text for each name; `null` takes one out. */
function mapOfTexts(item: Item, what: string): Readonly<Record<string, string | null>> {
  if (item.kind !== 'map') throw mustBe(item, what, 'a map')
  const texts = [...item.entries].map(([name, {at, item: value}]) => {
    if (name === '' || name.includes('\0') || (what === 'edits.env' && name.includes('=')))
      throw mistakeAt(at, `${quoted(name)} cannot be a name in ${what}`)
    const isNull = value.kind === 'scalar' && value.value === null
    return [name, isNull ? null : textOf(value, `${what}.${name}`)] as const
  })
  return Object.fromEntries(texts)
}
