import type {Digest} from '../oci/digest.js'
import {renewLease} from '../store/served/blobs/lease.js'
import type {CallOptions, StoredManifest} from '../store/content-store.js'
import type {BlobInfo} from '../oci/descriptor.js'
import {statFile} from '../disk/read-file.js'
import {clearLeftovers, listNames, makeNameFolders, refuseTakenNames} from './folders.js'
import {findReferrals, writeCatalog, writeReferrers, writeTagList} from './lists.js'
import {dropHalfTags, moveTag, readEntries, writeManifest} from './manifests.js'
import {namePaths, sitePaths} from './paths.js'
import {withSiteLock} from './site.js'

/** What a repository of a site is to name from now on. */
export interface SiteCommit {
  readonly name: string
  /** Every one after what it lists. */
  readonly manifests: readonly StoredManifest[]
  /** All that they name, and that must be there already. */
  readonly blobs: readonly BlobInfo[]
  readonly tags: readonly SiteTag[]
}

export interface SiteTag {
  readonly tag: string
  readonly digest: Digest
  /** One that is something else already stays so. */
  readonly onlyNew?: boolean
}

/**
 * What became of a commit: of blobs that are missing nothing happened, and they have to be put
 * there again.
 */
export interface Committed {
  readonly missing: readonly BlobInfo[]
  readonly moved: readonly string[]
  /** Tags that are something else, and stay so. */
  readonly kept: readonly string[]
}

/**
 * Makes a site name what was put there. Manifests by digest first, children before indexes; then
 * what refers to what; then the tags; then the lists: anyone who finds a tag in a list can pull it,
 * and anyone who pulls a tag finds all parts, also when this is killed on the way. The next commit
 * to the repository completes the lists.
 */
export async function commitToSite(
  site: string,
  {name, manifests, blobs, tags}: SiteCommit,
  options: CallOptions,
): Promise<Committed> {
  const folder = sitePaths.repository(site, name)
  const work = async ({confirm}: {readonly confirm: () => Promise<void>}): Promise<Committed> => {
    const missing: BlobInfo[] = []
    for (const blob of blobs)
      if ((await statFile(namePaths.blob(folder, blob.digest)))?.size !== blob.size)
        missing.push(blob)
    if (missing.length > 0) return {missing, moved: [], kept: []}
    const names = tags.map(({tag}) => tag)
    await refuseTakenNames(site, name, names)
    await makeNameFolders(site, name)
    await clearLeftovers(site, folder)
    await confirm()
    await dropHalfTags(folder)
    for (const manifest of manifests) {
      options.signal?.throwIfAborted()
      await confirm()
      await writeManifest(folder, manifest)
    }
    await confirm()
    await linkReferrers(folder)
    const {moved, kept} = await moveTags(folder, tags, confirm)
    await confirm()
    await writeTagList(folder, name, (await readEntries(folder)).tags.keys())
    await writeCatalog(site, await listNames(site, options.signal))
    return {missing, moved, kept}
  }
  return withSiteLock(site, work, options)
}

async function linkReferrers(folder: string): Promise<void> {
  const {manifests} = await readEntries(folder)
  for (const [subject, referrals] of await findReferrals(manifests.values()))
    await writeReferrers(folder, subject, referrals)
}

async function moveTags(
  folder: string,
  tags: readonly SiteTag[],
  confirm: () => Promise<void>,
): Promise<Pick<Committed, 'moved' | 'kept'>> {
  const moved: string[] = []
  const kept: string[] = []
  const before = await readEntries(folder)
  for (const {tag, digest, onlyNew = false} of tags) {
    const stands = before.tags.get(tag)
    if (onlyNew && stands !== undefined && stands !== digest) {
      kept.push(tag)
      continue
    }
    await confirm()
    await moveTag(folder, tag, digest)
    if (stands === digest) continue
    moved.push(tag)
    // anyone who pulls it at this moment has until then
    const old = stands && before.manifests.get(stands)
    if (old) await renewLease(old.path)
  }
  return {moved, kept}
}
