import {listDead} from '../disk/owned-name.js'
import {NotFoundError} from '../errors.js'
import {createFreedCount} from '../store/garbage/freed-count.js'
import {tempPrefix} from '../store/layout/paths.js'
import {leftoverPlaces, listBegun} from './folders.js'
import {planRemoval} from './garbage.js'
import {sitePaths} from './paths.js'
import {listUnusedInPool} from './pool.js'

/**
 * What takes space in a site and does nothing else. No fault: a publisher who is at work has it,
 * too.
 */
export interface UnusedContent {
  /** `null`: what no repository has any more. */
  readonly name: string | null
  /** Blobs that no manifest names, and parts of others that killed processes left. */
  readonly blobs: number
  /** What the disk would get back. */
  readonly bytes: number
}

/**
 * Looks for it in every repository, also in those that were begun and never came to a manifest.
 * Where a manifest cannot be read, everything counts as used.
 */
export async function findUnused(site: string, signal?: AbortSignal): Promise<UnusedContent[]> {
  const unused: UnusedContent[] = []
  const freed = createFreedCount()
  for (const name of await listBegun(site, signal)) {
    const removal = {name, tag: undefined, untagged: false, graceMs: 0}
    const found = await planRemoval(site, removal, {signal, freed}).catch(unlessGone)
    const dead = []
    for (const place of leftoverPlaces(sitePaths.repository(site, name)))
      dead.push(...(await listDead(place, tempPrefix)))
    const blobs = (found?.blobs.length ?? 0) + dead.length
    const bytes = dead.reduce((sum, {size}) => sum + size, found?.bytes ?? 0)
    if (blobs > 0) unused.push({name, blobs, bytes})
  }
  const pooled = await listUnusedInPool(site)
  const bytes = pooled.reduce((sum, {size}) => sum + size, 0)
  return pooled.length === 0 ? unused : [...unused, {name: null, blobs: pooled.length, bytes}]
}

/** Somebody removes it at this moment. */
export function unlessGone(error: unknown): undefined {
  if (!(error instanceof NotFoundError)) throw error
}
