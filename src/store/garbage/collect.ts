import {lstat, mkdir, rename, unlink} from 'node:fs/promises'
import {join} from 'node:path'
import {setImmediate as nextTurn} from 'node:timers/promises'
import {localIoError} from '../../disk/local-io-error.js'
import {type HeldLock, withLock} from '../../disk/lock.js'
import {clearDead} from '../../disk/owned-name.js'
import {IntegrityError} from '../../errors.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {drain} from '../../stream/bytes.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {dropFromPool} from '../served/blobs/blob-files.js'
import {type RepositoryPlace} from '../repository.js'
import {isLeased} from '../served/blobs/lease.js'
import type {CallOptions} from '../content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {GarbagePlan, RepositoryGarbage} from './plan.js'
import {isAbsent} from '../../disk/error-answers.js'
import {layoutPaths, tempPrefix} from '../layout/paths.js'
import {type KnownFacts, markReachable} from './mark-reachable.js'
import {namesIn} from '../../disk/names-in.js'
import {putBack} from '../served/blobs/blobs.js'
import {openIndexFile} from '../served/manifests/index-file.js'
import {type RepositoryIndex, withoutManifests} from '../served/manifests/index-value.js'
import {repositoryPaths, rootPaths} from '../layout/root-paths.js'
import {removeUpload} from '../served/uploads/session.js'

/** What a collection has done. */
export interface GarbageResult {
  readonly manifests: number
  readonly blobs: number
  /** Of the blobs; what other repositories have, too, is counted with them. */
  readonly bytes: number
  /** Planned, but used or referred to meanwhile. */
  readonly spared: number
}

/**
 * Carries out a plan while the repositories are in use, by whichever process. A repository is
 * locked for some blobs at a time, so that pushes go on in between, and under the lock everything
 * is looked at again: what its `index.json` names now, and whether somebody asked for the blob.
 */
export async function collectGarbage(
  plan: GarbagePlan,
  {signal}: CallOptions = {},
): Promise<GarbageResult> {
  const total = {manifests: 0, blobs: 0, bytes: 0, spared: 0}
  for (const repository of plan.repositories) {
    signal?.throwIfAborted()
    const directory = rootPaths.repository(plan.directory, repository.name)
    await clearDead(directory, tempPrefix)
    await clearDead(repositoryPaths.uploads(directory), tempPrefix)
    for (const id of repository.uploads) await removeUpload(directory, id)
    const place = {root: plan.directory, directory}
    const done = await collectRepository(place, repository, signal).catch(unlessDamaged)
    if (done === undefined) continue
    total.manifests += done.manifests
    total.blobs += done.blobs
    total.bytes += done.bytes
    total.spared += done.spared
  }
  await sweepPool(plan.directory, signal)
  return total
}

/**
 * A repository that is damaged keeps what it has, the next collection says so, and the others are
 * collected.
 */
function unlessDamaged(error: unknown): undefined {
  if (!(error instanceof IntegrityError)) throw error
}

/** Removed at once, under one lock. */
const batchSize = 200

async function collectRepository(
  place: RepositoryPlace,
  garbage: RepositoryGarbage,
  signal: AbortSignal | undefined,
): Promise<GarbageResult> {
  const {directory} = place
  const total = {manifests: 0, blobs: 0, bytes: 0, spared: 0}
  await restoreLeftovers(directory, signal)
  if (garbage.blobs.length === 0 && garbage.manifests.length === 0) return total
  const file = openIndexFile(place, garbage.name)
  const known: KnownFacts = new Map()
  let marked: {index: RepositoryIndex; keep: ReadonlySet<Digest> | undefined} | undefined

  /** `undefined`: nothing must go. */
  const mark = async (): Promise<ReadonlySet<Digest> | undefined> => {
    const index = await file.read()
    if (marked?.index !== index) {
      const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
      const {retention} = garbage
      const {digests, unreadable} = await markReachable(pathOf, index.entries, retention, known)
      marked = {index, keep: unreadable.length === 0 ? digests : undefined}
    }
    return marked.keep
  }

  /** First the names, then what they name: a reader never sees a tag without its manifest. */
  const delist = async ({confirm}: HeldLock): Promise<void> => {
    const keep = await mark()
    const index = await file.read()
    const listed = new Set(index.entries.map(({digest}) => digest))
    const gone = garbage.manifests.filter((digest) => listed.has(digest) && !keep?.has(digest))
    if (keep === undefined || gone.length === 0) return
    await file.write(withoutManifests(index, new Set(gone)), confirm)
    total.manifests += gone.length
  }

  const removeSome = async (blobs: readonly BlobInfo[], {confirm}: HeldLock): Promise<void> => {
    const keep = await mark()
    await mkdir(repositoryPaths.collecting(directory), {recursive: true})
    // all of them, before the lock is given back, also when one fails
    const removals = await Promise.allSettled(
      blobs.map(async (blob) => {
        if (keep === undefined || keep.has(blob.digest)) return false
        await confirm()
        return removeUnlessUsed(place, blob, garbage.retention.graceMs)
      }),
    )
    for (const [at, {size}] of blobs.entries()) {
      const removal = removals[at]
      if (removal?.status === 'rejected') throw removal.reason
      if (removal?.value === true) {
        total.blobs++
        total.bytes += size
      } else total.spared++
    }
  }

  const locked = (work: (lock: HeldLock) => Promise<void>): Promise<void> =>
    withLock(layoutPaths.lock(directory), work, {signal})
  if (garbage.manifests.length > 0) await locked(delist)
  for (let at = 0; at < garbage.blobs.length; at += batchSize) {
    await locked((lock) => removeSome(garbage.blobs.slice(at, at + batchSize), lock))
    await nextTurn()
  }
  return total
}

/**
 * Takes the blob in hand, under a name that nobody is served from, and only then looks when it was
 * last used: a client that asks from now on finds that it is gone or waits for the decision, and
 * one that was told before that it is there has left its time on it.
 */
async function removeUnlessUsed(
  {root, directory}: RepositoryPlace,
  {digest}: BlobInfo,
  graceMs: number,
): Promise<boolean> {
  const path = layoutPaths.blob(directory, digest)
  const inHand = repositoryPaths.inHand(directory, digest)
  try {
    if (isLeased((await lstat(path)).mtimeMs, graceMs)) return false
    await rename(path, inHand)
    if (isLeased((await lstat(inHand)).mtimeMs, graceMs)) {
      await rename(inHand, path)
      return false
    }
    await unlink(inHand)
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'remove', path)
  }
  await dropFromPool(rootPaths.pooled(root, digest))
  return true
}

/** What a collector that was killed had in hand. */
async function restoreLeftovers(directory: string, signal?: AbortSignal): Promise<void> {
  const left = await namesIn(repositoryPaths.collecting(directory))
  const digests = left.map((name) => name.replace('-', ':')).filter(isDigest)
  if (digests.length === 0) return
  await withLock(
    layoutPaths.lock(directory),
    async () => {
      for (const digest of digests) await putBack(directory, digest)
    },
    {signal},
  )
}

/** Content that no repository has any more, however it left them. */
async function sweepPool(root: string, signal?: AbortSignal): Promise<void> {
  for (const algorithm of await namesIn(rootPaths.pool(root))) {
    const folder = join(rootPaths.pool(root), algorithm)
    const drop = async (name: string): Promise<void> => {
      signal?.throwIfAborted()
      await dropFromPool(join(folder, name))
    }
    await drain(mapAhead(await namesIn(folder), drop))
  }
}
