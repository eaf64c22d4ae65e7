import {lstat, readdir} from 'node:fs/promises'
import {join} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {clearDead} from '../disk/owned-name.js'
import {PreconditionError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {isDigest} from '../oci/digest.js'
import {makeFolder} from '../store/layout/create.js'
import {ifAbsent, isAbsent} from '../disk/error-answers.js'
import {tempPrefix} from '../store/layout/paths.js'
import {compareTags} from '../store/tags.js'
import {parseRepositoryName} from '../oci/names/repository-name.js'
import {namePaths, sitePaths} from './paths.js'

/**
 * Makes the folders of a repository, each readable for a web server, whatever the umask says. What
 * is there stays.
 */
export async function makeNameFolders(site: string, name: string): Promise<void> {
  let folder = sitePaths.api(site)
  for (const part of name.split('/')) await makeFolder((folder = join(folder, part)), site)
  await makeFolder(namePaths.blobs(folder), folder)
  await makeFolder(namePaths.manifests(folder), folder)
  await makeFolder(namePaths.all(folder), folder)
  await makeFolder(namePaths.tags(folder), folder)
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_SITE_NAME_TAKEN`) where a repository or one of its tags
 * would have to be where something else is: paths are all that a web server knows, and it cannot
 * tell the tag `x` of `a` from the folder of `a/manifests/x`.
 */
export async function refuseTakenNames(
  site: string,
  name: string,
  tags: readonly string[],
): Promise<void> {
  let folder = sitePaths.api(site)
  for (const part of name.split('/')) {
    folder = join(folder, part)
    if ((await kindOf(folder)) === 'other') throw taken(name, 'there is a file in its place')
  }
  if ((await kindOf(namePaths.tagList(folder))) === 'folder')
    throw taken(name, 'the list of its tags would be where another repository is')
  for (const tag of tags)
    if ((await kindOf(namePaths.named(folder, tag))) === 'folder')
      throw taken(`${name}:${tag}`, 'another repository is in its place')
}

/** The names of all repositories that have a manifest, sorted bytewise. Links are not followed. */
export async function listNames(site: string, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = []
  for await (const {name, folder} of walkNames(site, signal))
    if (await hasManifest(folder)) names.push(name)
  return names.sort(compareTags)
}

/** A folder that has a name that a repository may have. */
export interface NameFolder {
  readonly name: string
  readonly folder: string
}

/**
 * Every folder that could be a repository's, those of parts of names among them, each before what
 * is in it. Links are not followed.
 */
export async function* walkNames(site: string, signal?: AbortSignal): AsyncGenerator<NameFolder> {
  const waiting: string[] = ['']
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    signal?.throwIfAborted()
    const folder = name === '' ? sitePaths.api(site) : sitePaths.repository(site, name)
    if (name !== '') yield {name, folder}
    for (const entry of await entriesOf(folder)) {
      const inner = name === '' ? entry.name : `${name}/${entry.name}`
      if (entry.isDirectory() && isName(inner)) waiting.push(inner)
    }
  }
}

/**
 * The names of all repositories that somebody began to put there, however far that has come, sorted
 * bytewise.
 */
export async function listBegun(site: string, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = []
  for await (const {name, folder} of walkNames(site, signal))
    if (await isBegun(folder)) names.push(name)
  return names.sort(compareTags)
}

async function hasManifest(folder: string): Promise<boolean> {
  return (await entriesOf(namePaths.all(folder))).some(({name}) => isDigest(name))
}

/**
 * Whether there is anything of a repository in a folder: one that is only a part of longer names is
 * none.
 */
export async function isBegun(folder: string): Promise<boolean> {
  if ((await kindOf(namePaths.all(folder))) !== undefined) return true
  return (await entriesOf(namePaths.blobs(folder))).some(({name}) => isDigest(name))
}

/** Removes what killed processes left where a repository and the lists of a site are written. */
export async function clearLeftovers(site: string, folder: string): Promise<void> {
  for (const place of [...leftoverPlaces(folder), sitePaths.api(site)])
    await clearDead(place, tempPrefix)
}

/** Where temporary files of a repository may be. */
export function leftoverPlaces(folder: string): string[] {
  return [namePaths.tags(folder), namePaths.referrers(folder), folder]
}

/** What is in a folder; nothing when it is not there. */
export async function entriesOf(folder: string) {
  return readdir(folder, {withFileTypes: true}).catch((error: unknown) => {
    if (isAbsent(error)) return []
    throw localIoError(error, 'read', folder)
  })
}

/**
 * When something was last put into a folder, or taken out of it, milliseconds; 0 when it is not
 * there.
 */
export async function folderTime(folder: string): Promise<number> {
  const stats = await lstat(folder).catch(ifAbsent(undefined))
  return stats?.mtimeMs ?? 0
}

function isName(text: string): boolean {
  try {
    return parseRepositoryName(text) === text
    // eslint-disable-next-line no-restricted-syntax -- a name is looked at here, no file
  } catch {
    return false
  }
}

async function kindOf(path: string): Promise<'folder' | 'other' | undefined> {
  try {
    return (await lstat(path)).isDirectory() ? 'folder' : 'other'
  } catch (error) {
    // ENOTDIR: what is in the way is found at its own place
    if (isAbsent(error) || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw localIoError(error, 'read', path)
  }
}

function taken(what: string, why: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_SITE_NAME_TAKEN',
    `${quoted(what)} cannot be in this site: ${why}`,
    {hint: 'choose another --repository or --tag, or another site'},
  )
}
