import {ifDamaged, saysAbsent} from '../../disk/error-answers.js'
import {LimitError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {readAll} from '../../stream/limit.js'
import {verified} from '../../stream/verify.js'
import {isLeased} from '../served/blobs/lease.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {decodeFacts, type ManifestFacts} from '../../oci/manifest-facts.js'
import {manifestLimit} from '../../oci/manifest-kind.js'

/** Which manifests a repository is kept for. */
export interface Retention {
  /** Nothing used within this time goes. */
  readonly graceMs: number
  /** Whether manifests without a tag stay although nothing refers to them. */
  readonly keepUntagged: boolean
  /** Tags that are to go, and the manifests that they name: without a tag these do not stay. */
  readonly dropTags?: ReadonlySet<string> | undefined
  readonly dropManifests?: ReadonlySet<Digest> | undefined
}

/** What follows from the manifests of one repository. */
export interface Reachable {
  /** All content that something kept names, the kept manifests among it. */
  readonly digests: ReadonlySet<Digest>
  /**
   * Manifests that cannot be read, so that nobody knows what they name: as long as there are any,
   * nothing must go.
   */
  readonly unreadable: readonly Digest[]
}

/** A manifest that a repository lists: once for each of its tags, or without one. */
export interface ListedManifest {
  readonly digest: Digest
  readonly tag: string | undefined
}

/** Facts of manifests that were read before: their content never changes. */
export type KnownFacts = Map<Digest, ManifestFacts>

/**
 * Marks what is to be kept of a repository. Kept is what has a tag, what was used just now, and,
 * unless the retention says otherwise, what has none; and of all that the configs, layers, children
 * and subjects. A manifest with a subject, when it has no tag of its own, lives as long as its
 * subject. `pathOf` says where the file of a manifest is.
 */
export async function markReachable(
  pathOf: (manifest: Digest) => string,
  entries: readonly ListedManifest[],
  retention: Retention,
  known: KnownFacts = new Map(),
): Promise<Reachable> {
  const digests = new Set<Digest>()
  const unreadable: Digest[] = []
  const read = async (digest: Digest): Promise<ManifestFacts | undefined> => {
    const facts = known.get(digest) ?? (await readFacts(pathOf(digest), digest))
    if (facts === 'unreadable') unreadable.push(digest)
    else if (facts !== undefined) known.set(digest, facts)
    return facts === 'unreadable' ? undefined : facts
  }
  const listed = new Set(entries.map(({digest}) => digest))
  const referrers = new Map<Digest, Digest[]>()
  for (const digest of listed) {
    const subject = (await read(digest))?.subject
    if (subject !== undefined) referrers.set(subject, [...(referrers.get(subject) ?? []), digest])
  }

  const waiting: Digest[] = []
  for (const entry of entries)
    if (await isRoot(pathOf, entry, retention, known)) waiting.push(entry.digest)
  const manifests = new Set<Digest>()
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    // a set of its own: what one manifest names as a layer may be another one's child
    if (manifests.has(digest)) continue
    manifests.add(digest)
    digests.add(digest)
    const facts = await read(digest)
    for (const each of facts?.digests ?? []) digests.add(each)
    waiting.push(...(facts?.children ?? []).map((child) => child.digest))
    if (facts?.subject !== undefined) waiting.push(facts.subject)
    waiting.push(...[...(facts?.digests ?? [])].filter((each) => listed.has(each)))
    waiting.push(...(referrers.get(digest) ?? []))
  }
  return {digests, unreadable: [...new Set(unreadable)]}
}

async function isRoot(
  pathOf: (manifest: Digest) => string,
  entry: ListedManifest,
  {graceMs, keepUntagged, dropTags, dropManifests}: Retention,
  known: KnownFacts,
): Promise<boolean> {
  if (entry.tag !== undefined && dropTags?.has(entry.tag) !== true) return true
  const stats = await statFile(pathOf(entry.digest))
  if (stats !== undefined && isLeased(stats.mtimeMs, graceMs)) return true
  if (dropManifests?.has(entry.digest) === true) return false
  return keepUntagged && known.get(entry.digest)?.subject === undefined
}

/**
 * `undefined` for a manifest that is not there: it names nothing that anybody could ask for through
 * it.
 */
async function readFacts(
  path: string,
  digest: Digest,
): Promise<ManifestFacts | 'unreadable' | undefined> {
  try {
    const stats = await statFile(path)
    if (stats === undefined) return undefined
    const stream = verified(readFileStream(path), {digest, size: stats.size}, digest)
    return decodeFacts(await readAll(stream, manifestLimit, digest), digest)
  } catch (error) {
    if (saysAbsent(error)) return undefined
    if (error instanceof LimitError) return 'unreadable'
    return ifDamaged('unreadable' as const)(error)
  }
}
