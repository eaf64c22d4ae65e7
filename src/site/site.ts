import {lstat, realpath, stat} from 'node:fs/promises'
import {dirname, resolve} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {type HeldLock, withLock} from '../disk/lock.js'
import {clearDead} from '../disk/owned-name.js'
import {LocalIoError, NotFoundError, PreconditionError, UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {CallOptions} from '../store/content-store.js'
import {makeFolder} from '../store/layout/create.js'
import {ifNoSuchPath, isAbsent} from '../disk/error-answers.js'
import {tempPrefix} from '../store/layout/paths.js'
import {listFolder} from '../disk/names-in.js'
import {sitePaths} from './paths.js'
import {writeSetUp} from './set-up.js'

/**
 * How long a process that changes what a site names waits for another, which may be removing
 * thousands of files.
 */
const patienceMs = 300_000

/**
 * Makes an empty folder a site, or completes one that a killed publisher began. Throws
 * `LocalIoError` (`ERR_INJECT_DIRECTORY_NOT_EMPTY`) for a folder that holds something else: a web
 * server would hand that out, too; and `PreconditionError` (`ERR_INJECT_SITE_IN_SITE`) for one
 * inside another site.
 */
export async function createSite(site: string): Promise<void> {
  const [outer] = await findSites(dirname(resolve(site)))
  if (outer !== undefined) throw insideSite(site, outer)
  // in this order: another publisher may be making it a site
  const holdsAnything = ((await listFolder(site)) ?? []).length > 0
  if (holdsAnything && !(await isSite(site))) throw occupied(site)
  await makeFolder(site)
  await makeFolder(sitePaths.own(site))
  await withSiteLock(site, async () => {
    await clearDead(sitePaths.errors(site), tempPrefix)
    await clearDead(site, tempPrefix)
    await writeSetUp(site)
  })
}

/**
 * Throws `NotFoundError` (`ERR_INJECT_SITE_NOT_FOUND`) and `UsageError` (`ERR_INJECT_NOT_A_SITE`).
 */
export async function checkIsSite(site: string): Promise<void> {
  if (await isSite(site)) return
  if (!(await exists(site)))
    throw new NotFoundError('ERR_INJECT_SITE_NOT_FOUND', `there is no folder ${quoted(site)}`)
  const message = `${quoted(site)} was not made by inject publish`
  throw new UsageError('ERR_INJECT_NOT_A_SITE', message, {hint: 'pass the folder containing v2/'})
}

async function isSite(folder: string): Promise<boolean> {
  const stats = await stat(sitePaths.own(folder)).catch(ifNoSuchPath(undefined))
  return stats?.isDirectory() === true
}

/**
 * The sites that an absolute path leads into, itself included, the outermost first. There is one at
 * most that `createSite` would have made.
 */
export async function findSites(path: string): Promise<string[]> {
  const sites: string[] = []
  for (let folder = path; ; folder = dirname(folder)) {
    if (await isSite(folder)) sites.unshift(folder)
    if (dirname(folder) === folder) return sites
  }
}

/**
 * Runs `work` while nobody else changes what the site names; before each change it calls `confirm`.
 * Throws `LocalIoError` (`ERR_INJECT_LOCKED`).
 */
export async function withSiteLock<T>(
  site: string,
  work: (lock: Pick<HeldLock, 'confirm'>) => Promise<T>,
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

function occupied(site: string): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    `${quoted(site)} holds something that inject publish did not put there`,
    {hint: 'name a new folder, an empty one, or one of an earlier publish'},
  )
}

function insideSite(site: string, outer: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_SITE_IN_SITE',
    `${quoted(site)} is inside the site ${quoted(outer)}`,
    {hint: 'name that site, or a folder beside it'},
  )
}
