import {realpathSync} from 'node:fs'
import {InjectError, UsageError} from '../../errors.js'
import {type Reference, repositoryName} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {createMemoryStore} from '../../store/memory-store.js'
import {defaultTag} from '../find/find-document.js'
import {tagIn} from '../find/tag-in.js'
import type {Ports} from '../../ports.js'

/**
 * Whether both name the same repository, so that both have the same content. Always false for
 * archives, because the target is a new file.
 */
export function isSamePlace(a: Reference, b: Reference): boolean {
  if (a.kind === 'registry' && b.kind === 'registry')
    return a.registry === b.registry && a.repository === b.repository
  return a.kind === 'layout' && b.kind === 'layout' && real(a.directory) === real(b.directory)
}

/** Repositories of the target's registry that blobs can be mounted from. */
export function mountableFrom(source: Reference, target: Reference): readonly string[] {
  const isMountable =
    source.kind === 'registry' && target.kind === 'registry' && source.registry === target.registry
  return isMountable ? [source.repository] : []
}

/**
 * Where a result goes, always with a tag: its own, else the tag of its source, else `latest`.
 * Throws `UsageError` when the target is only a digest.
 */
export function targetOf(to: Reference, {tag: sourceTag}: Reference): Reference {
  if (to.tag !== undefined) return to
  if (to.digest === undefined) return {...to, tag: tagIn(to, sourceTag) ?? defaultTag}
  throw new UsageError(
    'ERR_INJECT_NO_TAG',
    'the result is named by a digest, which cannot be moved to',
    {hint: 'name it by a tag'},
  )
}

/**
 * The target's store, created if it does not exist yet. A dry run gets an empty store in memory.
 */
export async function openTarget(
  target: Reference,
  {
    dryRun,
    noClobber,
    chunkSize,
  }: {dryRun: boolean; noClobber: boolean; chunkSize?: number | undefined},
  {openStore}: Pick<Ports, 'openStore'>,
): Promise<ContentStore> {
  if (!dryRun) return openStore(target, {writes: true, create: true, noClobber, chunkSize})
  const nothing = createMemoryStore(repositoryName(target))
  // an archive is always written from scratch
  if (target.kind !== 'registry' && target.kind !== 'layout') return nothing
  try {
    return await openStore(target, {writes: false})
  } catch (error) {
    if (error instanceof InjectError && error.code === 'ERR_INJECT_LAYOUT_NOT_FOUND') return nothing
    throw error
  }
}

function real(directory: string): string {
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}
