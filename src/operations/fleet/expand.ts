import {InjectError, NotFoundError, UsageError} from '../../errors.js'
import type {Fleet, FleetEntry, ImagePattern} from '../../fleet/fleet.js'
import {mistakeAt, type Position} from '../../yaml/position.js'
import {usualRules} from '../../fleet/file/decode-rules.js'
import {matchesGlob} from '../../fleet/glob.js'
import type {Shard} from '../../fleet/report/outcome.js'
import {selectTags} from '../../fleet/select-tags.js'
import {isInShard} from '../../fleet/shard.js'
import {expandTemplate} from '../../fleet/template.js'
import {
  formatReference,
  type Reference,
  referenceIn,
  repositoryName,
} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import {canListRepositories} from '../../store/repository-lister.js'
import {inLanes} from '../../stream/in-lanes.js'
import type {FleetImage} from './fleet-image.js'

/** The images of a fleet, and the entries whose images could not be found out. */
export interface ExpandedFleet {
  readonly images: readonly FleetImage[]
  readonly failures: readonly ExpandFailure[]
}

export interface ExpandFailure {
  /** The entry in words, as a reference with stars. */
  readonly what: string
  readonly error: InjectError
}

export interface ExpandOptions {
  readonly fleet: Fleet
  readonly shard: Shard | undefined
  /** Also the images that are looked at only to remove slots. */
  readonly prune: boolean
  /** Images of earlier runs, which are looked at for that as well. */
  readonly remembered: readonly string[]
}

/** Lists of tags that are asked for at once. */
const atOnce = 8

/**
 * The images of all entries, in their order; of an image that two entries name the first counts.
 * An entry that cannot be expanded does not keep the others from it. Throws `UsageError` for two
 * images with one target.
 */
export async function expandFleet(
  {fleet, shard, prune, remembered}: ExpandOptions,
  ports: Ports,
): Promise<ExpandedFleet> {
  const tagsOf = listedTags(ports)
  const repositoriesOf = listedRepositories(ports)
  const failures: ExpandFailure[] = []
  const found = new Map<FleetEntry, readonly Reference[]>()
  const expand = async (entry: FleetEntry): Promise<void> => {
    try {
      found.set(entry, await referencesOf(entry, {tagsOf, repositoriesOf, shard}))
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      failures.push({what: describe(entry.images), error})
    }
  }
  const entries = [...fleet.entries]
  await inLanes(entries, expand, {width: atOnce, signal: ports.signal})
  const images = entries.flatMap((entry) =>
    (found.get(entry) ?? []).map((source) => imageOf(fleet, entry, source)),
  )
  const wanted = withoutRepeats(images.filter(({source}) => isMine(source, shard)))
  if (!prune) return {images: wanted, failures}
  const patterns = [...repositoriesOfTargets(wanted), ...fleet.prune, ...remembered.flatMap(named)]
  const listing = {tagsOf, repositoriesOf, shard}
  const others = await imagesToPrune(patterns, wanted, listing, failures)
  return {images: [...wanted, ...others], failures}
}

interface Listing {
  readonly tagsOf: (reference: Reference) => Promise<readonly string[]>
  readonly repositoriesOf: (reference: Reference) => Promise<readonly string[]>
  readonly shard: Shard | undefined
}

async function referencesOf(
  {images, rules}: Pick<FleetEntry, 'images' | 'rules'>,
  listing: Listing,
): Promise<readonly Reference[]> {
  if (images.kind === 'reference') {
    const {reference} = images
    return [reference.tag === undefined ? {...reference, tag: 'latest'} : reference]
  }
  const {registry, tags: selection} = images
  const chosen = async (repository: string): Promise<readonly Reference[]> => {
    const place = {kind: 'registry', registry, repository} as const
    const all = await listing.tagsOf(place)
    const references = selectTags(withoutResults(place, all, rules), selection)
    return references.map((tag) => ({...place, tag}))
  }
  if (images.kind === 'tags') {
    const place = {kind: 'registry', registry, repository: images.repository} as const
    if (!isMine(place, listing.shard)) return []
    return nonEmpty(await chosen(images.repository), images)
  }
  const names = await listing.repositoriesOf({kind: 'registry', registry, repository: 'library'})
  const matching = names.filter((name) => matchesGlob(images.repositories, name))
  nonEmpty(matching, images)
  const references: Reference[] = []
  await inLanes(
    matching.filter((repository) =>
      isMine({kind: 'registry', registry, repository}, listing.shard),
    ),
    async (repository) => void references.push(...(await chosen(repository))),
    {width: atOnce, signal: undefined},
  )
  return references.sort((a, b) => (formatReference(a) < formatReference(b) ? -1 : 1))
}

/** Tags that are not the results of this fleet for other tags, nor kept states of such. */
function withoutResults(
  place: Extract<Reference, {kind: 'registry'}>,
  tags: readonly string[],
  {target}: FleetEntry['rules'],
): readonly string[] {
  const results = new Set<string>()
  for (const tag of tags) {
    if (!target) break
    const result = expandTemplate(target, {...place, tag})
    if (repositoryName(result) === repositoryName(place) && result.tag !== tag)
      results.add(result.tag ?? '')
  }
  const all = new Set(tags)
  const isKept = (tag: string): boolean => {
    const [, of] = /^(.+)-inject-[1-9]\d*$/.exec(tag) ?? []
    return of !== undefined && all.has(of)
  }
  return tags.filter((tag) => !results.has(tag) && !isKept(tag))
}

function imageOf({slots}: Fleet, {at, rules}: FleetEntry, source: Reference): FleetImage {
  const {target: template, slots: names} = rules
  const target = template && source.kind === 'registry' ? expandTemplate(template, source) : source
  const wanted = names ? slots.filter(({name}) => names.includes(name)) : slots
  return {at, source, target, rules, slots: wanted}
}

/** Throws `UsageError` when a target would be made from two images. */
function withoutRepeats(images: readonly FleetImage[]): FleetImage[] {
  const byTarget = new Map<string, FleetImage>()
  return images.filter((image) => {
    const target = formatReference(image.target)
    const other = byTarget.get(target)
    if (!other) {
      byTarget.set(target, image)
      return true
    }
    const [one, two] = [other, image].map(({source}) => formatReference(source))
    if (one === two) return false
    throw mistakeAt(image.at, `${one} and ${two} have the same target: ${target}`)
  })
}

/** All tags of the repositories that results are in. */
function repositoriesOfTargets(images: readonly FleetImage[]): readonly ImagePattern[] {
  const repositories = new Map<string, ImagePattern>()
  for (const {target} of images) {
    if (target.kind !== 'registry') continue
    const {registry, repository} = target
    const tags = {match: [], semver: undefined, exclude: [], latest: undefined}
    repositories.set(repositoryName(target), {kind: 'tags', registry, repository, tags})
  }
  return [...repositories.values()]
}

function named(text: string): readonly ImagePattern[] {
  const reference = referenceIn(text)
  return reference ? [{kind: 'reference', reference}] : []
}

/** Images beside the wanted ones, which get nothing and may lose slots. */
async function imagesToPrune(
  patterns: readonly ImagePattern[],
  wanted: readonly FleetImage[],
  listing: Listing,
  failures: ExpandFailure[],
): Promise<readonly FleetImage[]> {
  const known = new Set(wanted.flatMap(({source, target}) => [source, target].map(formatReference)))
  const images: FleetImage[] = []
  for (const pattern of patterns) {
    try {
      for (const source of await referencesOf({images: pattern, rules: usualRules}, listing)) {
        if (known.has(formatReference(source)) || !isMine(source, listing.shard)) continue
        known.add(formatReference(source))
        // a slot is taken out of the image as it is
        const rules = {...usualRules, base: 'pin'} as const
        images.push({at: nowhere, source, target: source, rules, slots: []})
      }
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      failures.push({what: describe(pattern), error})
    }
  }
  return images
}

const nowhere: Position = {
  file: {name: '', invalid: 'ERR_INJECT_FLEET_INVALID'},
  line: 1,
  column: 1,
}

function isMine(reference: Reference, shard: Shard | undefined): boolean {
  return !shard || isInShard(repositoryName(reference), shard)
}

function nonEmpty<T>(list: readonly T[], images: ImagePattern): readonly T[] {
  if (list.length > 0) return list
  throw new NotFoundError('ERR_INJECT_FLEET_NO_MATCH', `${describe(images)} matches no image`, {
    hint: 'change the entry in the fleet file, or remove it',
  })
}

function describe(images: ImagePattern): string {
  if (images.kind === 'reference') return formatReference(images.reference)
  const {registry, tags} = images
  const repository = images.kind === 'tags' ? images.repository : images.repositories
  return `${registry}/${repository}:${tags.match.join('|') || '*'}`
}

/** The tags of a repository, asked for once. */
function listedTags(ports: Ports): Listing['tagsOf'] {
  return once(async (reference) => {
    const store = await ports.openStore(reference, {writes: false})
    try {
      const tags: string[] = []
      for await (const tag of store.listTags({signal: ports.signal})) tags.push(tag)
      return tags
    } finally {
      await store.close()
    }
  })
}

function listedRepositories(ports: Ports): Listing['repositoriesOf'] {
  return once(async (reference) => {
    const store = await ports.openStore(reference, {writes: false})
    try {
      if (!canListRepositories(store))
        throw new UsageError('ERR_INJECT_NO_CATALOG', `${store.name} lists no repositories`)
      const names: string[] = []
      for await (const name of store.listRepositories({signal: ports.signal})) names.push(name)
      return names
    } finally {
      await store.close()
    }
  })
}

function once(
  ask: (reference: Reference) => Promise<readonly string[]>,
): (reference: Reference) => Promise<readonly string[]> {
  const known = new Map<string, Promise<readonly string[]>>()
  return (reference) => {
    const key = repositoryName(reference)
    const answer = known.get(key) ?? ask(reference)
    known.set(key, answer)
    return answer
  }
}
