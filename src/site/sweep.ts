import {rmdir} from 'node:fs/promises'
import {basename, dirname} from 'node:path'
import {quietly} from '../disk/error-answers.js'
import {clearDead} from '../disk/owned-name.js'
import {isLeased} from '../store/served/blobs/lease.js'
import type {CallOptions} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {createFreedCount} from '../store/garbage/freed-count.js'
import {makeFolder} from '../store/layout/create.js'
import {tempPrefix} from '../store/layout/paths.js'
import {
  folderTime,
  isBegun,
  leftoverPlaces,
  listBegun,
  listNames,
  type NameFolder,
  walkNames,
} from './folders.js'
import {planRemoval, type SiteGarbage} from './garbage.js'
import {writeCatalog} from './lists.js'
import {sitePaths} from './paths.js'
import {listUnusedInPool, sweepPool} from './pool.js'
import {removeFromSite} from './removal.js'
import {unlessGone} from './unused.js'
import {withSiteLock} from './site.js'

/** What goes from all of a site, and why the rest stays. */
export interface SiteSweep {
  readonly repositories: readonly SiteGarbage[]
  /** Content that no repository had any more. */
  readonly pool: readonly BlobInfo[]
  /** What the disk gets back. */
  readonly bytes: number
}

export interface SweepOptions extends CallOptions {
  /** Nothing that was published within this time goes, milliseconds. */
  readonly graceMs: number
}

/**
 * Looks in every repository of a site for what no tag leads to, in those that a killed publisher
 * began and never named, too. Nothing happens yet.
 */
export async function planSweep(site: string, options: SweepOptions): Promise<SiteSweep> {
  return sweep(site, options, planRemoval)
}

/**
 * Removes that, with the leftovers of killed processes and folders that nothing came into: a site
 * whose tags are all gone is as one that was just made. A repository is locked at a time, so that
 * publishers go on in between.
 */
export async function sweepSite(site: string, options: SweepOptions): Promise<SiteSweep> {
  const {graceMs, signal} = options
  const folders: (NameFolder & {readonly time: number})[] = []
  for await (const each of walkNames(site, signal))
    folders.push({...each, time: await folderTime(each.folder)})
  const done = await sweep(site, options, removeFromSite)
  await withSiteLock(
    site,
    async ({confirm}) => {
      const places = folders.flatMap(({folder}) => leftoverPlaces(folder))
      for (const place of [site, sitePaths.errors(site), sitePaths.api(site), ...places])
        await clearDead(place, tempPrefix)
      await confirm()
      await sweepPool(site)
      // what is in a folder comes after it
      for (const {folder, time} of folders.reverse())
        if (!isLeased(time, graceMs) && !(await isPartOfOne(site, folder)))
          await quietly(rmdir(folder))
      await confirm()
      await makeFolder(sitePaths.api(site), site)
      await writeCatalog(site, await listNames(site, signal))
    },
    options,
  )
  return done
}

async function sweep(
  site: string,
  {graceMs, signal}: SweepOptions,
  remove: typeof planRemoval,
): Promise<SiteSweep> {
  const freed = createFreedCount()
  const pool = await listUnusedInPool(site)
  const repositories: SiteGarbage[] = []
  for (const name of await listBegun(site, signal)) {
    const removal = {name, tag: undefined, untagged: true, graceMs}
    const found = await remove(site, removal, {signal, freed}).catch(unlessGone)
    if (found) repositories.push(found)
  }
  const bytes = pool.reduce((sum, {size}) => sum + size, freed.bytes())
  return {repositories, pool, bytes}
}

/** `a/blobs` may be a repository, and is the folder of the blobs of `a`. */
async function isPartOfOne(site: string, folder: string): Promise<boolean> {
  if (!parts.has(basename(folder)) || dirname(folder) === sitePaths.api(site)) return false
  return isBegun(dirname(folder))
}

const parts = new Set(['blobs', 'manifests', 'referrers', 'tags'])
