import {lstat} from 'node:fs/promises'
import {ifAbsent, ifDamaged} from '../../disk/error-answers.js'
import {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {isLeased} from '../served/blobs/lease.js'
import type {CallOptions} from '../content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {createFreedCount, type FreedCount} from './freed-count.js'
import {statFile} from '../../disk/read-file.js'
import {layoutPaths} from '../layout/paths.js'
import {listBlobs} from './list-blobs.js'
import {listUploads} from '../served/uploads/list-uploads.js'
import {type KnownFacts, markReachable, type Retention} from './mark-reachable.js'
import {readIndexOnce} from '../served/manifests/index-file.js'
import type {RepositoryRoot} from '../repository.js'
import {repositoryPaths, rootPaths} from '../layout/root-paths.js'
import {expiredUploads} from '../served/uploads/sessions.js'

export interface GarbageOptions extends CallOptions {
  /** Nothing that was asked for, put, mounted or read within this time goes, milliseconds; 1 h. */
  readonly graceMs?: number | undefined
  /** Upload sessions that were idle for longer go, milliseconds; 24 h. */
  readonly uploadIdleMs?: number | undefined
}

/** What a collection removes, and why it leaves the rest. A value: nothing has happened yet. */
export interface GarbagePlan {
  readonly directory: string
  readonly graceMs: number
  readonly repositories: readonly RepositoryGarbage[]
  /** What the disk gets back: content that other repositories have, too, does not count. */
  readonly bytes: number
}

export interface UnfinishedUploads {
  readonly count: number
  readonly bytes: number
}

export interface RepositoryGarbage {
  readonly name: string
  readonly retention: Retention
  /** Manifests that are listed, and will not be any more. */
  readonly manifests: readonly Digest[]
  /** All content that goes, those manifests among it. */
  readonly blobs: readonly BlobInfo[]
  /** Upload sessions that have expired. */
  readonly uploads: readonly string[]
  /** All upload sessions that hold something, those among them. */
  readonly unfinished: UnfinishedUploads
  /** How many blobs stay because something names them, and because they were just used. */
  readonly kept: {readonly referenced: number; readonly leased: number}
  /** Why less goes from this repository than might; one line each. */
  readonly problems: readonly string[]
}

/**
 * Looks for what nothing refers to, in all repositories of a root. Manifests without a tag stay
 * (`planPrune` can be told otherwise), except those whose subject is gone. The repositories may be
 * in use: what is found out here is looked at again before anything goes.
 */
export async function planGarbage(
  root: Pick<RepositoryRoot, 'directory' | 'listRepositories'>,
  options: GarbageOptions = {},
): Promise<GarbagePlan> {
  const retention = {graceMs: options.graceMs ?? defaultGraceMs, keepUntagged: true}
  return planRetention(root, () => Promise.resolve(retention), options)
}

/**
 * As `planGarbage`, with a retention for each repository. One that is damaged gives a problem, and
 * nothing of it goes.
 */
export async function planRetention(
  root: Pick<RepositoryRoot, 'directory' | 'listRepositories'>,
  retentionOf: (name: string) => Promise<Retention & {readonly problems?: readonly string[]}>,
  {graceMs = defaultGraceMs, uploadIdleMs = defaultIdleMs, signal}: GarbageOptions = {},
): Promise<GarbagePlan> {
  const {directory} = root
  const repositories: RepositoryGarbage[] = []
  const freed = createFreedCount()
  for await (const name of root.listRepositories({signal})) {
    signal?.throwIfAborted()
    try {
      const {problems = [], ...retention} = await retentionOf(name)
      const found = await planRepository(directory, name, retention, freed)
      const folder = rootPaths.repository(directory, name)
      const uploads = await expiredUploads(folder, uploadIdleMs)
      const unfinished = await unfinishedUploads(folder)
      repositories.push({...found, uploads, unfinished, problems: [...problems, ...found.problems]})
    } catch (error) {
      if (!(error instanceof InjectError) || signal?.aborted === true) throw error
      repositories.push(untouched(name, graceMs, `${error.message}: nothing is collected`))
    }
  }
  return {directory, graceMs, repositories, bytes: freed.bytes()}
}

const defaultGraceMs = 3_600_000
const defaultIdleMs = 86_400_000

async function planRepository(
  root: string,
  name: string,
  retention: Retention,
  freed: FreedCount,
): Promise<Omit<RepositoryGarbage, 'uploads' | 'unfinished'>> {
  const directory = rootPaths.repository(root, name)
  const known: KnownFacts = new Map()
  const index = await readIndexOnce({root, directory}, name)
  const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
  const {digests, unreadable} = await markReachable(pathOf, index.entries, retention, known)
  const kept = {referenced: 0, leased: 0}
  const blobs: BlobInfo[] = []
  const now = Date.now()
  const look = async (digest: Digest) => {
    const stats = await statFile(pathOf(digest)).catch(ifDamaged(undefined))
    const isKept = digests.has(digest) || unreadable.length > 0
    const pooled = isKept ? undefined : await statFile(rootPaths.pooled(root, digest))
    return {digest, stats, pooled}
  }
  for await (const {digest, stats, pooled} of mapAhead(listBlobs(directory), look)) {
    if (stats === undefined) continue
    if (digests.has(digest)) kept.referenced++
    // perhaps by the one that cannot be read
    else if (unreadable.length > 0) kept.referenced++
    else if (isLeased(stats.mtimeMs, retention.graceMs, now)) kept.leased++
    else {
      blobs.push({digest, size: stats.size})
      freed.add(stats, pooled)
    }
  }
  const manifests = new Set<Digest>()
  if (unreadable.length === 0)
    for (const {digest} of index.entries) if (!digests.has(digest)) manifests.add(digest)
  return {
    name,
    retention,
    manifests: [...manifests],
    blobs,
    kept,
    problems: unreadable.map((digest) => `manifest ${digest} cannot be read: nothing is collected`),
  }
}

async function unfinishedUploads(directory: string): Promise<UnfinishedUploads> {
  const unfinished = {count: 0, bytes: 0}
  for (const id of await listUploads(directory)) {
    const stats = await lstat(repositoryPaths.upload(directory, id)).catch(ifAbsent(undefined))
    if (!stats) continue
    unfinished.count++
    unfinished.bytes += stats.size
  }
  return unfinished
}

function untouched(name: string, graceMs: number, problem: string): RepositoryGarbage {
  const retention = {graceMs, keepUntagged: true}
  const kept = {referenced: 0, leased: 0}
  const unfinished = {count: 0, bytes: 0}
  const nothing = {manifests: [], blobs: [], uploads: [], unfinished}
  return {name, retention, ...nothing, kept, problems: [problem]}
}
