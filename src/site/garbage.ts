import {NotFoundError} from '../errors.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {isLeased} from '../store/served/blobs/lease.js'
import type {CallOptions} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {createFreedCount, type FreedCount} from '../store/garbage/freed-count.js'
import {statFile} from '../disk/read-file.js'
import {
  type KnownFacts,
  type ListedManifest,
  markReachable,
} from '../store/garbage/mark-reachable.js'
import {entriesOf, isBegun} from './folders.js'
import {readEntries, type SiteEntries} from './manifests.js'
import {namePaths, sitePaths} from './paths.js'

export interface SiteRemoval {
  readonly name: string
  /** Absent: only what has no tag any more goes. */
  readonly tag?: string | undefined
  /** Manifests that no tag leads to go, too; without it only those that the removed tag led to. */
  readonly untagged: boolean
  /** Nothing that was published within this time goes, milliseconds. */
  readonly graceMs: number
}

/** What a removal takes away, and why it leaves the rest. A value: nothing has happened yet. */
export interface SiteGarbage {
  readonly name: string
  readonly tag: string | undefined
  /** Indexes before what they list. */
  readonly manifests: readonly BlobInfo[]
  readonly blobs: readonly BlobInfo[]
  /** What the disk gets back: content that other repositories have, too, does not count. */
  readonly bytes: number
  /**
   * How many blobs stay because something names them, and because they, or the manifests that name
   * them, were published just now.
   */
  readonly kept: {readonly referenced: number; readonly leased: number}
  /** Why less goes than might; one line each. */
  readonly problems: readonly string[]
}

/**
 * Looks for what nothing refers to in a repository of a site when a tag is gone. Manifests of other
 * tags, and what these name, stay; and as long as there is a manifest or a tag that cannot be read,
 * everything does. A repository without any manifest, which a killed publisher left, has nothing
 * but what nobody refers to. `freed` adds up over several of them. Throws `NotFoundError`
 * (`ERR_INJECT_IMAGE_NOT_FOUND`) for a tag or repository that is not there.
 */
export async function planRemoval(
  site: string,
  {name, tag, untagged, graceMs}: SiteRemoval,
  {signal, freed = createFreedCount()}: CallOptions & {readonly freed?: FreedCount} = {},
): Promise<SiteGarbage> {
  const folder = sitePaths.repository(site, name)
  const entries = await readEntries(folder)
  const root = tag === undefined ? undefined : entries.tags.get(tag)
  const isNothing = entries.manifests.size === 0 && entries.tags.size === 0
  if (isNothing && !(await isBegun(folder))) throw notFound(site, name, undefined)
  if (tag !== undefined && root === undefined) throw notFound(site, name, tag)

  const known: KnownFacts = new Map()
  const pathOf = (digest: Digest): string =>
    entries.manifests.get(digest)?.path ?? namePaths.blob(folder, digest)
  const listed = [...entries.manifests.keys()].map((digest) => ({digest, tag: undefined}))
  const below = async (roots: readonly ListedManifest[]): Promise<ReadonlySet<Digest>> =>
    (await markReachable(pathOf, [...roots, ...listed], onlyTagged, known)).digests

  const dropManifests = root && (await below([{digest: root, tag}]))
  const dropTags = tag === undefined ? undefined : new Set([tag])
  const tagged = [...entries.tags].map(([tag, digest]) => ({tag, digest}))
  const retention = {graceMs, keepUntagged: !untagged, dropTags, dropManifests}
  const marked = await markReachable(pathOf, [...tagged, ...listed], retention, known)
  const problems = [
    ...entries.strange,
    ...marked.unreadable.map((digest) => `manifest ${digest} cannot be read`),
  ].map((problem) => `${problem}: nothing is collected`)
  const isKept = (digest: Digest): boolean => problems.length > 0 || marked.digests.has(digest)
  const named =
    graceMs === 0 || problems.length > 0
      ? marked
      : await markReachable(pathOf, [...tagged, ...listed], {...retention, graceMs: 0}, known)
  const isNamed = (digest: Digest): boolean => problems.length > 0 || named.digests.has(digest)

  const blobs: BlobInfo[] = []
  const kept = {referenced: 0, leased: 0}
  const before = freed.bytes()
  for (const {name: digest} of await entriesOf(namePaths.blobs(folder))) {
    signal?.throwIfAborted()
    const stats = isDigest(digest) ? await statFile(namePaths.blob(folder, digest)) : undefined
    if (!isDigest(digest) || stats === undefined) continue
    if (isNamed(digest)) kept.referenced++
    // by itself, or with a manifest that names it
    else if (isKept(digest) || isLeased(stats.mtimeMs, graceMs)) kept.leased++
    else {
      blobs.push({digest, size: stats.size})
      freed.add(stats, await statFile(sitePaths.pooled(site, digest)))
    }
  }
  return {
    name,
    tag,
    manifests: doomedInOrder(entries, isKept, known),
    blobs,
    bytes: freed.bytes() - before,
    kept,
    problems,
  }
}

const onlyTagged = {graceMs: 0, keepUntagged: false}

/** Parents first: anyone who finds an index finds what it lists. */
function doomedInOrder(
  {manifests}: SiteEntries,
  isKept: (digest: Digest) => boolean,
  known: KnownFacts,
): BlobInfo[] {
  const ordered: BlobInfo[] = []
  const seen = new Set<Digest>()
  const visit = (digest: Digest): void => {
    const manifest = manifests.get(digest)
    if (manifest === undefined || seen.has(digest) || isKept(digest)) return
    seen.add(digest)
    for (const child of known.get(digest)?.digests ?? []) visit(child)
    ordered.push({digest, size: manifest.size})
  }
  for (const digest of manifests.keys()) visit(digest)
  return ordered.reverse()
}

function notFound(site: string, name: string, tag: string | undefined): NotFoundError {
  const what = tag === undefined ? `no repository ${name}` : `no tag ${tag} of ${name}`
  return new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', `there is ${what} in ${site}`)
}
