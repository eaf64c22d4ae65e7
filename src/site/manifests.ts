import {chmod, mkdir, readlink, rename, symlink} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {clearDead, ownedName} from '../disk/owned-name.js'
import {removeTree} from '../disk/remove-tree.js'
import {syncFolder} from '../disk/temp-file.js'
import {type Digest, digestOf, isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {isSoundFile} from '../store/layout/sound-file.js'
import {renewLease} from '../store/served/blobs/lease.js'
import type {StoredManifest} from '../store/content-store.js'
import {isAbsent, quietly} from '../disk/error-answers.js'
import {statFile} from '../disk/read-file.js'
import {tempPrefix} from '../store/layout/paths.js'
import {entriesOf} from './folders.js'
import {manifestFileName, mediaTypeOf} from './media-types.js'
import {namedTarget, namePaths} from './paths.js'

/** A manifest of a repository in a site. */
export interface SiteManifest {
  readonly digest: Digest
  readonly mediaType: string
  readonly size: number
  /** The file with its bytes. */
  readonly path: string
}

/** What a repository in a site names, as it is on disk. */
export interface SiteEntries {
  readonly manifests: ReadonlyMap<Digest, SiteManifest>
  /** Where the tags stand; the manifest may be missing. */
  readonly tags: ReadonlyMap<string, Digest>
  /** What is there and is neither, one line each. */
  readonly strange: readonly string[]
}

/** Reads what is in the folder of a repository. One that is not there names nothing. */
export async function readEntries(folder: string): Promise<SiteEntries> {
  const manifests = new Map<Digest, SiteManifest>()
  const tags = new Map<string, Digest>()
  const strange: string[] = []
  for (const entry of await entriesOf(namePaths.all(folder))) {
    const path = namePaths.entry(folder, entry.name)
    if (entry.isSymbolicLink()) {
      const digest = await digestAt(path)
      if (digest === undefined) strange.push(`the tag ${entry.name} leads nowhere`)
      else tags.set(entry.name, digest)
    } else if (isDigest(entry.name)) {
      const found = await manifestIn(path, entry.name)
      if (found === undefined) strange.push(`the folder of manifest ${entry.name} holds none`)
      else manifests.set(entry.name, found)
    } else strange.push(`there is ${quoted(entry.name)} among the manifests`)
  }
  return {manifests, tags, strange}
}

/**
 * Makes a manifest be in a repository, under its digest: all of it, or nothing. What is there and
 * right stays, what is damaged is replaced. The caller must hold the site's lock and have seen to
 * it that everything is there that the manifest names.
 */
export async function writeManifest(
  folder: string,
  {bytes, descriptor}: StoredManifest,
): Promise<void> {
  const {digest, mediaType} = descriptor
  const place = namePaths.entry(folder, digest)
  const known = await manifestIn(place, digest)
  if (known !== undefined) {
    await clearDead(place, tempPrefix)
    await fill(place, {bytes, digest, mediaType: known.mediaType})
  } else {
    const temporary = join(folder, ownedName(tempPrefix))
    try {
      await mkdir(temporary)
      await chmod(temporary, 0o755)
      await fill(temporary, {bytes, digest, mediaType})
      // an empty folder, or the remains of one, would be in the way
      await removeTree(place)
      await rename(temporary, place)
    } catch (error) {
      await quietly(removeTree(temporary))
      throw localIoError(error, 'write', place)
    }
    await syncFolder(dirname(place))
  }
  await putLink(namePaths.named(folder, digest), namedTarget(digest), folder)
}

/**
 * Makes a tag name a manifest that is there: at every instant it names the one before, or this one.
 * The caller must hold the site's lock.
 */
export async function moveTag(folder: string, tag: string, digest: Digest): Promise<void> {
  await putLink(namePaths.entry(folder, tag), digest, folder)
  await putLink(namePaths.named(folder, tag), namedTarget(tag), folder)
}

/**
 * Takes away what is left of tags whose name is gone already, or was not there yet, when somebody
 * was killed: nobody can ask for them, so no list may have them. The caller must hold the site's
 * lock.
 */
export async function dropHalfTags(folder: string): Promise<void> {
  for (const tag of (await readEntries(folder)).tags.keys())
    if ((await linkAt(namePaths.named(folder, tag))) === undefined)
      await removeTree(namePaths.entry(folder, tag))
}

/**
 * Makes `path` a relative link, at once: anyone who reads it sees what was there before, or this.
 */
async function putLink(path: string, target: string, folder: string): Promise<void> {
  if ((await linkAt(path)) === target) return
  const temporary = join(folder, ownedName(tempPrefix))
  try {
    await symlink(target, temporary)
    await rename(temporary, path)
  } catch (error) {
    await quietly(removeTree(temporary))
    throw localIoError(error, 'write', path)
  }
  await syncFolder(dirname(path))
}

async function fill(
  place: string,
  {
    bytes,
    digest,
    mediaType,
  }: {readonly bytes: Uint8Array; readonly digest: Digest; readonly mediaType: string},
): Promise<void> {
  const name = manifestFileName(mediaType)
  const file = join(place, name)
  const write = (path: string, content: Uint8Array | string): Promise<void> =>
    writeFileAtomic(path, content, {mode: 0o644, prefix: tempPrefix})
  if (!(await isSoundFile(file, {digest, size: bytes.length}))) await write(file, bytes)
  await renewLease(file)
  const location = Buffer.from(`${digest}/${name}`)
  const text = join(place, 'location')
  if (!(await holds(text, location))) await write(text, location)
  await putLink(join(place, 'manifest'), name, place)
}

async function holds(path: string, content: Uint8Array): Promise<boolean> {
  return isSoundFile(path, {digest: digestOf(content), size: content.length})
}

async function manifestIn(place: string, digest: Digest): Promise<SiteManifest | undefined> {
  for (const {name} of await entriesOf(place)) {
    const mediaType = mediaTypeOf(name)
    if (mediaType === undefined) continue
    const path = join(place, name)
    const stats = await statFile(path)
    if (stats !== undefined) return {digest, mediaType, size: stats.size, path}
  }
  return undefined
}

/**
 * The digest that a link names, in whatever spelling: one that we do not understand would make a
 * manifest in use look unused.
 */
async function digestAt(path: string): Promise<Digest | undefined> {
  const target = await linkAt(path)
  const name = target === undefined ? undefined : basename(target)
  return isDigest(name) ? name : undefined
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    if (isAbsent(error) || errnoOf(error) === 'EINVAL') return undefined
    throw localIoError(error, 'read', path)
  }
}
