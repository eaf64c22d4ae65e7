import {onePlatform} from '../../archive/archive-index.js'
import {NotFoundError, UsageError} from '../../errors.js'
import {decodeDocument} from '../../image/document.js'
import type {PlatformChoice} from '../../image/platforms.js'
import {algorithmOf, type Digest} from '../../oci/digest.js'
import {formatReference, type Reference, repositoryName} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {copyContent, type CopyCounts, noCounts} from '../../store/copy/content.js'
import {type CopyPlan, planCopy} from '../../store/copy/plan.js'
import {finish} from '../../store/finishable.js'
import {blobReport} from '../find/blob-report.js'
import {refuseSameTags, tagIn} from '../find/tag-in.js'
import {namedLayers} from './named-layers.js'
import {isSamePlace, mountableFrom, openTarget, targetOf} from './places.js'
import {findReferrers, linkReferrers, missingReferrer} from './referrers.js'
import {type CopyRoot, findRoot, findTagged} from './roots.js'
import type {Ports} from '../../ports.js'
import {outstanding, planTagMoves, refuseClobber} from '../publish/tag-moves.js'

export interface CopyOptions {
  readonly source: Reference
  readonly target: Reference
  /** Tags to set besides the one in the target, or all the tags when the target has none. */
  readonly tags: readonly string[]
  /** Which images of an index to copy; `undefined`: the index as it is. */
  readonly platforms?: PlatformChoice | undefined
  /** Copy everything that has a tag in the source, under the same tags. */
  readonly allTags: boolean
  /** Also copy the artifacts that refer to what is copied. */
  readonly referrers: boolean
  readonly noClobber: boolean
  readonly dryRun: boolean
  readonly chunkSize?: number | undefined
}

export interface CopiedTag {
  readonly digest: Digest
  /** The tags that moved; in a dry run, those that would move. */
  readonly tags: readonly string[]
}

export interface CopyResult {
  /** `repository@digest` in the target; `null` when several were copied. */
  readonly reference: string | null
  readonly digest: Digest | null
  readonly source: string
  /** Everything that was copied under a tag. */
  readonly copied: readonly (CopiedTag & {readonly reference: string})[]
  /** Chosen platforms, where not everything was copied. */
  readonly platforms?: readonly string[]
  /** Manifests and indexes, those below an index and referrers included. */
  readonly manifests: number
  readonly referrers: number
  /** Layers that were not copied, because their `urls` say where to fetch them. */
  readonly foreign: number
  /** In a dry run, `copied` counts what is not in the target yet, and `bytes` is its size. */
  readonly blobs: CopyCounts
  readonly dryRun: boolean
}

/**
 * Copies an image or an index with everything that belongs to it, byte for byte, from one place to
 * another. Content that is already there, or that can be mounted, is not sent. The tags move last,
 * and only if they are still where they were at the beginning. Within one repository only the tags
 * move.
 */
export async function copy(options: CopyOptions, ports: Ports): Promise<CopyResult> {
  const target = checkedTarget(options)
  const source = await ports.openStore(options.source, {writes: false})
  try {
    const store = await openTarget(target, options, ports)
    try {
      return await copyBetween({source, target: store}, {...options, target}, ports)
    } finally {
      await store.close()
    }
  } finally {
    await source.close()
  }
}

interface Places {
  readonly source: ContentStore
  readonly target: ContentStore
}

async function copyBetween(
  {source, target}: Places,
  options: CopyOptions,
  ports: Ports,
): Promise<CopyResult> {
  const {report, signal} = ports
  const {allTags, noClobber, dryRun} = options
  const roots = allTags
    ? await findTagged(source, ports)
    : [await findRoot(source, options.source, options.platforms, ports)]
  if (roots.length === 0) throw nothingTagged(source.name)
  if (allTags) {
    const tagged = roots.map(({tag, stored}) => ({tag, digest: stored.descriptor.digest}))
    refuseSameTags(tagged, options.target)
  }
  // before reading anything that the target cannot take
  if (
    options.target.kind === 'docker-archive' &&
    roots.some(({stored}) => decodeDocument(stored).kind === 'index')
  )
    throw onePlatform(target.name)
  const moves = await Promise.all(roots.map((root) => movesOf(target, root, options, signal)))
  if (noClobber)
    for (const [at, {stored}] of roots.entries())
      refuseClobber(moves[at] ?? [], stored.descriptor.digest, target.name)

  const done = new Set<Digest>()
  const counts = noCounts()
  const isHere = isSamePlace(options.source, options.target)
  const own = new Map(roots.flatMap((root) => [...root.own]))
  const stored = roots.map((root) => root.stored)
  const plan = isHere
    ? {manifests: [...own.values()].filter((each) => !stored.includes(each)), blobs: [], foreign: 0}
    : await planCopy(source, stored, {signal, own})
  const subjects = [...plan.manifests, ...stored]
  const work = {source: namedLayers(source, subjects), target, done, counts}
  const isWanted = options.referrers && !isHere
  const onMissing = missingReferrer(source, ports)
  const referrers = isWanted
    ? await findReferrers(source, subjects, {signal, done, onMissing})
    : undefined
  await transfer(work, merged(plan, referrers?.plan), options, ports)
  if (!dryRun) {
    if (referrers)
      await linkReferrers(target, referrers, {signal, onOther: otherTag(target, ports)})
    report({kind: 'step', step: 'publish', on: target.name})
  }
  const copied: CopiedTag[] = []
  for (const [at, root] of roots.entries()) {
    const {descriptor, bytes} = root.stored
    const tags = outstanding(moves[at] ?? [], descriptor.digest)
    if (!dryRun && tags.length > 0)
      await target.putManifest(bytes, descriptor.mediaType, {
        tags,
        algorithm: algorithmOf(descriptor.digest),
        signal,
      })
    copied.push({digest: descriptor.digest, tags: tags.map(({tag}) => tag)})
  }
  if (!dryRun) await finish(target, {signal})
  return describe(options, roots, copied, {
    manifests: new Set(
      [...subjects, ...(referrers?.plan.manifests ?? [])].map((each) => each.descriptor.digest),
    ).size,
    referrers: referrers?.count ?? 0,
    foreign: plan.foreign + (referrers?.plan.foreign ?? 0),
    blobs: counts,
  })
}

/** Copies blobs and manifests without a tag; a dry run only checks which blobs are there. */
async function transfer(
  {
    source,
    target,
    done,
    counts,
  }: Places & {readonly done: Set<Digest>; readonly counts: CopyCounts},
  plan: CopyPlan,
  {source: from, target: to, dryRun}: CopyOptions,
  {report, signal}: Ports,
): Promise<void> {
  report({kind: 'step', step: 'copy', on: target.name})
  if (dryRun) {
    for (const {digest, size} of plan.blobs) {
      const found = await target.statBlob(digest, {signal})
      counts[found ? 'present' : 'copied']++
      counts[found ? 'saved' : 'bytes'] += size
    }
    return
  }
  const total = plan.blobs.reduce((sum, {size}) => sum + size, 0)
  let read = 0
  const onBytes = (bytes: number): void => report({kind: 'bytes', done: (read += bytes), total})
  const onBlob = blobReport(report)
  const options = {signal, mountFrom: mountableFrom(from, to), onBytes, onBlob}
  await copyContent(source, target, plan, {...options, progress: {done, counts}})
}

function movesOf(
  target: ContentStore,
  {stored, tag}: CopyRoot,
  {target: to, tags, allTags}: CopyOptions,
  signal: AbortSignal,
) {
  const {digest} = stored.descriptor
  const own = allTags ? tagIn(to, tag) : to.tag
  const wanted = [...(own === undefined ? [] : [own]), ...tags]
  const from = {digest, tag: undefined}
  return planTagMoves(target, {reference: to, tags: wanted, from}, signal)
}

function checkedTarget({source, target, tags, allTags, platforms}: CopyOptions): Reference {
  if (!allTags)
    return tags.length > 0 && target.tag === undefined ? target : targetOf(target, source)
  const said = [source.tag, source.digest, target.tag, target.digest, platforms, tags[0]]
  if (said.every((each) => each === undefined)) return target
  throw new UsageError(
    'ERR_INJECT_ALL_TAGS',
    'all tags are to be copied, as they are, and yet one, or some platforms, were named',
    {hint: 'name repositories only, or leave out --all-tags'},
  )
}

function merged(plan: CopyPlan, other: CopyPlan | undefined): CopyPlan {
  if (!other) return plan
  const blobs = new Map([...plan.blobs, ...other.blobs].map((blob) => [blob.digest, blob] as const))
  return {
    manifests: [...plan.manifests, ...other.manifests],
    blobs: [...blobs.values()],
    foreign: plan.foreign + other.foreign,
  }
}

function otherTag({name}: ContentStore, {report}: Ports): (tag: string) => void {
  return (tag) =>
    report({kind: 'warning', message: `tag ${tag} of ${name} is something else: it stays so`})
}

function nothingTagged(name: string): NotFoundError {
  return new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', `nothing in ${name} has a tag`)
}

function describe(
  {source, target, dryRun}: CopyOptions,
  roots: readonly CopyRoot[],
  copied: readonly CopiedTag[],
  counted: Pick<CopyResult, 'manifests' | 'referrers' | 'foreign' | 'blobs'>,
): CopyResult {
  const place = repositoryName(target)
  const named = copied.map((each) => ({reference: `${place}@${each.digest}`, ...each}))
  const [only, ...others] = named
  const isOne = only !== undefined && others.length === 0
  const platforms = roots[0]?.platforms
  return {
    reference: isOne ? only.reference : null,
    digest: isOne ? only.digest : null,
    source: formatReference(source),
    copied: named,
    ...(platforms && {platforms}),
    ...counted,
    dryRun,
  }
}
