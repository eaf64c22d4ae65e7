import {rename, rm, rmdir, unlink} from 'node:fs/promises'
import {dirname, join} from 'node:path'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {ownedName} from '../disk/owned-name.js'
import {removeTree} from '../disk/remove-tree.js'
import {syncFolder} from '../disk/temp-file.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {dropFromPool} from '../store/served/blobs/blob-files.js'
import {isLeased} from '../store/served/blobs/lease.js'
import type {CallOptions} from '../store/content-store.js'
import type {FreedCount} from '../store/garbage/freed-count.js'
import {isAbsent, quietly} from '../disk/error-answers.js'
import {tempPrefix} from '../store/layout/paths.js'
import {clearLeftovers, entriesOf, folderTime, listNames} from './folders.js'
import {planRemoval, type SiteGarbage, type SiteRemoval} from './garbage.js'
import {findReferrals, writeCatalog, writeReferrers, writeTagList} from './lists.js'
import {readEntries} from './manifests.js'
import {namePaths, sitePaths} from './paths.js'
import {sweepPool} from './pool.js'
import {withSiteLock} from './site.js'

/**
 * Removes a tag from a site, and what nothing refers to then. Lists first, then the tag, then
 * manifests, parents first, then blobs: anyone who finds a name finds what it names, also when this
 * is killed on the way; what is left then goes with the next removal. Throws what `planRemoval`
 * throws.
 */
export async function removeFromSite(
  site: string,
  removal: SiteRemoval,
  options: CallOptions & {readonly freed?: FreedCount} = {},
): Promise<SiteGarbage> {
  return withSiteLock(
    site,
    async ({confirm}) => {
      const plan = await planRemoval(site, removal, options)
      await carryOut(site, plan, {graceMs: removal.graceMs, confirm, signal: options.signal})
      return plan
    },
    options,
  )
}

interface CarryOutOptions extends CallOptions {
  readonly graceMs: number
  /** That the site's lock is still held; before each change. */
  readonly confirm: () => Promise<void>
}

async function carryOut(
  site: string,
  {name, tag, manifests, blobs}: SiteGarbage,
  {graceMs, confirm, signal}: CarryOutOptions,
): Promise<void> {
  const folder = sitePaths.repository(site, name)
  await confirm()
  await clearLeftovers(site, folder)
  const entries = await readEntries(folder)
  // nobody has seen it, and somebody may be about to put something into it
  const isNew = entries.manifests.size + entries.tags.size === 0
  const isInUse = isNew && isLeased(await folderTime(namePaths.blobs(folder)), graceMs)
  const gone = new Set(manifests.map(({digest}) => digest))
  const left = [...entries.manifests.values()].filter(({digest}) => !gone.has(digest))
  const tags = [...entries.tags.keys()].filter((each) => each !== tag)
  const isEmpty = left.length === 0 && tags.length === 0
  if (isEmpty && !isNew) {
    const names = await listNames(site, signal)
    await confirm()
    await writeCatalog(
      site,
      names.filter((each) => each !== name),
    )
  }
  await confirm()
  if (!isNew) await writeTagList(folder, name, tags)
  if (tag !== undefined) {
    await removeName(namePaths.named(folder, tag))
    await removeName(namePaths.entry(folder, tag))
    await syncFolder(namePaths.manifests(folder))
    await syncFolder(namePaths.all(folder))
  }
  await writeReferrerLists(folder, left)
  for (const {digest} of manifests) {
    signal?.throwIfAborted()
    await confirm()
    await removeManifest(folder, digest)
  }
  if (!isNew) await syncFolder(namePaths.all(folder))
  for (const {digest} of blobs) {
    signal?.throwIfAborted()
    await confirm()
    await removeName(namePaths.blob(folder, digest))
    await dropFromPool(sitePaths.pooled(site, digest))
  }
  await confirm()
  await sweepPool(site)
  if (isEmpty && !isInUse) await removeFolders(site, folder)
}

async function writeReferrerLists(
  folder: string,
  left: Parameters<typeof findReferrals>[0],
): Promise<void> {
  const referrals = await findReferrals(left)
  const subjects = new Set(referrals.keys())
  for (const {name} of await entriesOf(namePaths.referrers(folder)))
    if (isDigest(name)) subjects.add(name)
  for (const subject of subjects)
    await writeReferrers(folder, subject, referrals.get(subject) ?? [])
}

/** At once: a folder half of which is gone would look damaged. */
async function removeManifest(folder: string, digest: Digest): Promise<void> {
  await removeName(namePaths.named(folder, digest))
  const place = namePaths.entry(folder, digest)
  const aside = join(folder, ownedName(tempPrefix))
  try {
    await rename(place, aside)
    await removeTree(aside)
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'remove', place)
  }
}

/**
 * Those of a repository that has nothing any more, and the folders above that hold no other; longer
 * names, and what is not ours, stay. So do all while somebody writes a blob there: it would have
 * nowhere to go.
 */
async function removeFolders(site: string, folder: string): Promise<void> {
  if ((await entriesOf(folder)).some(({name}) => name.startsWith(tempPrefix))) return
  await rm(namePaths.tagList(folder), {force: true})
  const own = [
    namePaths.tags(folder),
    namePaths.referrers(folder),
    namePaths.blobs(folder),
    namePaths.all(folder),
    namePaths.manifests(folder),
  ]
  for (const each of own) await quietly(rmdir(each))
  for (let each = folder; each !== sitePaths.api(site); each = dirname(each)) {
    // the first one that stays keeps those above it
    if (!(await isRemoved(each))) return
  }
}

async function isRemoved(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return false
  }
}

async function removeName(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if (!isAbsent(error)) throw localIoError(error, 'remove', path)
  }
}
