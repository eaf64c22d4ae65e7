import {lstat, realpath, stat} from 'node:fs/promises'
import {dirname} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {withLock} from '../disk/lock.js'
import {clearDead} from '../disk/owned-name.js'
import {NotFoundError, UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {CallOptions} from '../store/content-store.js'
import {makeFolder} from '../store/layout-create.js'
import {isAbsent, tempPrefix} from '../store/layout-files.js'
import {sitePaths} from './site-paths.js'
import {writeSetUp} from './site-set-up.js'

/** How long one who changes what a site names waits for another: he may be removing thousands of files. */
const patienceMs = 300_000

/**
 * Makes a folder a site, or completes one that a killed publisher began. Throws `UsageError` (`ERR_INJECT_NOT_A_SITE`) for a folder that has a `v2` of somebody else's.
 */
export async function createSite(site: string): Promise<void> {
  if (!(await isSite(site)) && (await exists(sitePaths.api(site)))) {
    const message = `${quoted(site)} has a folder v2 that inject publish did not make`
    throw new UsageError('ERR_INJECT_NOT_A_SITE', message, {hint: 'name another folder'})
  }
  await makeFolder(site)
  await makeFolder(sitePaths.own(site))
  await withSiteLock(site, async () => {
    await clearDead(sitePaths.errors(site), tempPrefix)
    await clearDead(site, tempPrefix)
    await writeSetUp(site)
  })
}

/** Throws `NotFoundError` (`ERR_INJECT_SITE_NOT_FOUND`) and `UsageError` (`ERR_INJECT_NOT_A_SITE`). */
export async function checkIsSite(site: string): Promise<void> {
  if (await isSite(site)) return
  if (!(await exists(site)))
    throw new NotFoundError('ERR_INJECT_SITE_NOT_FOUND', `there is no folder ${quoted(site)}`)
  const message = `${quoted(site)} is no folder that inject publish has made`
  throw new UsageError('ERR_INJECT_NOT_A_SITE', message, {hint: 'name the folder that has the v2'})
}

export async function isSite(folder: string): Promise<boolean> {
  return stat(sitePaths.own(folder)).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** The site that a path leads into: `path` itself, or the nearest folder above it. `undefined` when there is none. */
export async function findSite(path: string): Promise<string | undefined> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (await isSite(folder)) return folder
    if (dirname(folder) === folder) return undefined
  }
}

/** Runs `work` while nobody else changes what the site names. Throws `LocalIoError` (`ERR_INJECT_LOCKED`). */
export async function withSiteLock<T>(
  site: string,
  work: () => Promise<T>,
  {signal}: CallOptions = {},
): Promise<T> {
  // one lock for all paths that lead to the site
  const real = await realpath(site).catch((error: unknown) => {
    throw localIoError(error, 'read', site)
  })
  return withLock(sitePaths.lock(real), work, {signal, timeoutMs: patienceMs})
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw localIoError(error, 'read', path)
  }
}
