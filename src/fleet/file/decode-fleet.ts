import {LimitError} from '../../errors.js'
import {parseSlotName} from '../../oci/annotation.js'
import {decodeImages, decodePatterns} from './decode-images.js'
import {decodeRules, ruleKeys, usualRules} from './decode-rules.js'
import {decodeSlots} from './decode-slots.js'
import type {Environment} from './environment.js'
import {type Item, membersOf, parsedAt, textOf} from '../../yaml/item.js'
import {mistakeAt, type WrittenFile} from '../../yaml/position.js'
import {readYaml} from '../../yaml/read-yaml.js'
import type {Fleet} from '../fleet.js'

/** The keys of a fleet file. */
export const fleetKeys = ['fleet', 'defaults', 'images', 'slots', 'prune'] as const

/** Bytes of a fleet file; a line for each of 10,000 images takes a half of it. */
export const longestFile = 1024 * 1024

/** What a fleet file is read with. */
export interface FleetFile {
  /** The file as the user named it, for messages. */
  readonly name: string
  readonly text: string
  /** For `${NAME}`. */
  readonly env: Environment
}

/**
 * A fleet file as a value. Throws `UsageError` (`ERR_INJECT_FLEET_INVALID`) with file, line and
 * column of the first mistake, and `LimitError` (`ERR_INJECT_FLEET_TOO_LARGE`).
 */
export function decodeFleet({name: file, text, env}: FleetFile): Fleet {
  if (text.length > longestFile) throw tooLarge(file)
  const root = readYaml(text, fleetFile(file))
  const members = membersOf(root, 'a fleet', fleetKeys)
  const slots = decodeSlots(required(root, members, 'slots'), env)
  const context = {env, slots: slots.map(({name}) => name)}
  const defaults = members.get('defaults')
  const rules = defaults
    ? decodeRules(membersOf(defaults, 'defaults', ruleKeys), usualRules, context)
    : usualRules
  const prune = members.get('prune')
  return {
    name: fleetName(members.get('fleet'), root, file),
    entries: decodeImages(required(root, members, 'images'), rules, context),
    slots,
    prune: prune ? decodePatterns(prune, 'prune', env) : [],
  }
}

/** A fleet file in messages. */
export function fleetFile(name: string): WrittenFile {
  return {name, invalid: 'ERR_INJECT_FLEET_INVALID'}
}

/** The error for a file of more than `longestFile` bytes. */
export function tooLarge(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_FLEET_TOO_LARGE',
    `${name}:1:1: the file is larger than 1 MiB`,
    {
      expected: longestFile,
      hint: 'name images by patterns or repositories, or divide the fleet',
    },
  )
}

function required(root: Item, members: ReadonlyMap<string, Item>, key: string): Item {
  const item = members.get(key)
  if (item) return item
  throw mistakeAt(root.at, `a fleet needs ${key}`)
}

/** As the file says, else the name of the file without its folder and ending. */
function fleetName(item: Item | undefined, root: Item, file: string): string {
  if (item) return parsedAt(item, () => parseSlotName(textOf(item, 'fleet')))
  const own = file.replace(/^.*[/\\]/s, '').replace(/\.ya?ml$|\.json$/, '')
  try {
    return parseSlotName(own)
  } catch {
    throw mistakeAt(root.at, 'the name of the file cannot be that of a fleet', 'add fleet: NAME')
  }
}
