import {parseReference, type Reference} from '../../oci/names/reference.js'
import type {FleetEntry, ImagePattern, ImageRules} from '../fleet.js'
import {isGlob} from '../glob.js'
import {isVersionRange, type TagSelection} from '../select-tags.js'
import {decodeRules, type RuleContext, ruleKeys} from './decode-rules.js'
import {type Environment, expandedText} from './environment.js'
import {
  type Item,
  itemsOf,
  membersOf,
  mustBe,
  numberOf,
  parsedAt,
  textOf,
  textsOf,
} from '../../yaml/item.js'
import {mistakeAt} from '../../yaml/position.js'

/** The keys of an item of `images`, beside those of `defaults`. */
export const imageKeys = ['image', 'repositories', 'tags'] as const
/** The keys of `tags`, where it is not a list of globs. */
export const tagKeys = ['match', 'semver', 'exclude', 'latest'] as const

/** The images of a fleet, each entry with its rules. */
export function decodeImages(
  item: Item,
  defaults: ImageRules,
  context: RuleContext,
): readonly FleetEntry[] {
  return itemsOf(item, 'images').map((each): FleetEntry => {
    if (each.kind === 'scalar') {
      const images = patternOf(each, context.env, undefined)
      return checked({at: each.at, images, rules: defaults})
    }
    const members = membersOf(each, 'an image', [...imageKeys, ...ruleKeys])
    const rules = decodeRules(members, defaults, context)
    return checked({at: each.at, images: imagesIn(each, members, context.env), rules})
  })
}

/** Images without rules. */
export function decodePatterns(
  item: Item,
  what: string,
  env: Environment,
): readonly ImagePattern[] {
  return itemsOf(item, what).map((each) =>
    each.kind === 'scalar'
      ? patternOf(each, env, undefined)
      : imagesIn(each, membersOf(each, what, imageKeys), env),
  )
}

function imagesIn(item: Item, members: ReadonlyMap<string, Item>, env: Environment): ImagePattern {
  const [image, repositories] = [members.get('image'), members.get('repositories')]
  const named = image ?? repositories
  if (!named || (image && repositories))
    throw mistakeAt(item.at, 'an image needs either image or repositories')
  return patternOf(named, env, members.get('tags'))
}

/** A reference; with `*` or `?` in its repository or tag, or with `tags`, a pattern. */
function patternOf(item: Item, env: Environment, tagsItem: Item | undefined): ImagePattern {
  const text = expandedText(item, 'image', env)
  if (!isGlob(text) && !tagsItem)
    return {kind: 'reference', reference: parsedAt(item, () => parseReference(text))}
  const [, name = '', tag] = /^(.+?)(?::([^:/]*))?$/s.exec(text) ?? []
  if (tag !== undefined && tagsItem)
    throw mistakeAt(tagsItem.at, 'the image has a tag already', 'leave out one of the two')
  const tags = tagsItem
    ? selectionOf(tagsItem)
    : {...anyTag, ...(tag !== undefined && {match: [tag]})}
  // stars become letters, so that the grammar of references can be asked
  const plain = parsedAt(item, () => parseReference(name.replaceAll(/[*?]+/g, 'x')))
  const {registry, repository} = inRegistry(plain, item)
  if (!isGlob(name)) return {kind: 'tags', registry, repository, tags}
  const [host = '', ...parts] = name.split('/')
  if (isGlob(host) || parts.length === 0)
    throw mistakeAt(item.at, 'a pattern of repositories must start with the registry')
  return {kind: 'repositories', registry, repositories: parts.join('/'), tags}
}

const anyTag: TagSelection = {match: [], semver: undefined, exclude: [], latest: undefined}

function selectionOf(item: Item): TagSelection {
  if (item.kind !== 'map') return {...anyTag, match: textsOf(item, 'tags')}
  const members = membersOf(item, 'tags', tagKeys)
  const texts = (key: 'match' | 'exclude') => {
    const value = members.get(key)
    return value ? textsOf(value, `tags.${key}`) : []
  }
  const [range, latest] = [members.get('semver'), members.get('latest')]
  return {
    match: texts('match'),
    exclude: texts('exclude'),
    semver: range && rangeOf(range),
    latest: latest && numberOf(latest, 'tags.latest', {least: 1, most: 10_000}),
  }
}

function rangeOf(item: Item): string {
  const text = textOf(item, 'tags.semver')
  if (text.length <= 200 && isVersionRange(text)) return text
  throw mustBe(item, 'tags.semver', 'a range of versions', 'write it as ">=1.2 <3" or "^1.4"')
}

function inRegistry(reference: Reference, item: Item): Extract<Reference, {kind: 'registry'}> {
  if (reference.kind === 'registry' && reference.digest === undefined) return reference
  throw mistakeAt(item.at, 'tags can be chosen in registries only')
}

/** An entry whose images have a place for their results. */
function checked(entry: FleetEntry): FleetEntry {
  const {images, rules} = entry
  if (images.kind !== 'reference') return entry
  const {reference} = images
  if (rules.target && reference.kind !== 'registry')
    throw mistakeAt(entry.at, 'a target is for images in registries only')
  if (reference.digest !== undefined && reference.tag === undefined)
    throw mistakeAt(entry.at, 'a digest cannot move', 'name the image by a tag')
  if (reference.kind === 'registry' || reference.kind === 'layout') return entry
  throw mistakeAt(entry.at, 'an archive cannot be changed in place')
}
