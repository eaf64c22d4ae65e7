import {ifUnfit, isAbsent} from '../disk/error-answers.js'
import {errnoOf, localIoError} from '../disk/local-io-error.js'
import {InjectError} from '../errors.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {quoted} from '../oci/quoted.js'
import {checkImages} from '../store/check/check-images.js'
import type {RepositoryReport, StoreReport} from '../store/check/check-store.js'
import type {CallOptions} from '../store/content-store.js'
import {createFileHasher, type HashFile} from '../store/check/hash-files.js'
import {readlink} from 'node:fs/promises'
import {entriesOf, listNames} from './folders.js'
import {findReferrals, isList, siteLists} from './lists.js'
import {readEntries, type SiteEntries} from './manifests.js'
import {namedTarget, namePaths, sitePaths} from './paths.js'
import {findUnused, type UnusedContent} from './unused.js'

export interface CheckSiteOptions extends CallOptions {
  /** Hears of the repository that is read, and of the bytes that were read of all so far. */
  readonly onProgress?: ((repository: string, bytes: number) => void) | undefined
}

/** What was found in a site, repository by repository. */
export interface SiteReport extends StoreReport {
  readonly unused: readonly UnusedContent[]
}

/**
 * Reads everything in a site again: every manifest and blob against its name, every image down to
 * its layers, every list against what is there. Nothing is changed, nor waited for: what a
 * publisher or remover is about to complete at this moment may be reported.
 */
export async function checkSite(
  site: string,
  {signal, onProgress}: CheckSiteOptions = {},
): Promise<SiteReport> {
  let current = ''
  const {hash, total} = createFileHasher((bytes) => onProgress?.(current, bytes))
  const repositories: RepositoryReport[] = []
  const names = await listNames(site, signal)
  for (const name of names) {
    current = name
    onProgress?.(current, total().bytes)
    repositories.push(await checkName(site, name, hash, signal))
  }
  if (!(await isSame(sitePaths.catalog(site), siteLists.catalog(names)))) {
    const faults = ['_catalog is not the list of the repositories that are there']
    repositories.push({name: '_catalog', faults, images: [], corrupt: [], repaired: []})
  }
  return {repositories, unused: await findUnused(site, signal), ...total()}
}

async function checkName(
  site: string,
  name: string,
  hash: HashFile,
  signal: AbortSignal | undefined,
): Promise<RepositoryReport> {
  const folder = sitePaths.repository(site, name)
  const entries = await readEntries(folder)
  const faults: string[] = [...entries.strange]
  const corrupt = new Set<Digest>()
  const look = async (digest: Digest, path: string): Promise<void> => {
    signal?.throwIfAborted()
    try {
      const found = await hash(path, digest)
      if (found !== undefined && found !== digest) corrupt.add(digest)
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      faults.push(error.message)
    }
  }
  for (const {digest, path} of entries.manifests.values()) await look(digest, path)
  for (const {name: blob} of await entriesOf(namePaths.blobs(folder)))
    if (isDigest(blob)) await look(blob, namePaths.blob(folder, blob))
  faults.push(
    ...(await faultsOfNames(folder, entries)),
    ...(await faultsOfLists(folder, name, entries)),
  )
  const pathOf = (digest: Digest): string =>
    entries.manifests.get(digest)?.path ?? namePaths.blob(folder, digest)
  const tagged = [...entries.tags].map(([tag, digest]) => ({tag, digest}))
  const untagged = [...entries.manifests.keys()]
    .filter((digest) => !tagged.some((each) => each.digest === digest))
    .map((digest) => ({tag: undefined, digest}))
  const listed = [...tagged, ...untagged].map((each) => {
    return {...each, size: entries.manifests.get(each.digest)?.size ?? 0}
  })
  const images = await checkImages(pathOf, listed, corrupt)
  return {name, faults, images, corrupt: [...corrupt], repaired: []}
}

/** What clients ask for are links that lead to the manifests, one for each. */
async function faultsOfNames(
  folder: string,
  {manifests, tags}: SiteEntries,
): Promise<readonly string[]> {
  const faults: string[] = []
  const expected = new Set<string>([...manifests.keys(), ...tags.keys()])
  for (const reference of expected) {
    const target = await targetOf(namePaths.named(folder, reference))
    if (target !== namedTarget(reference)) faults.push(`manifests/${reference} leads elsewhere`)
  }
  for (const entry of await entriesOf(namePaths.manifests(folder)))
    if (entry.isSymbolicLink() && !expected.has(entry.name))
      faults.push(`manifests has ${quoted(entry.name)}, which leads nowhere`)
  return faults
}

/** `undefined` if there is no link. */
async function targetOf(path: string): Promise<string | undefined> {
  try {
    return await readlink(path)
  } catch (error) {
    if (isAbsent(error) || errnoOf(error) === 'EINVAL') return undefined
    throw localIoError(error, 'read', path)
  }
}

async function faultsOfLists(
  folder: string,
  name: string,
  {manifests, tags}: SiteEntries,
): Promise<readonly string[]> {
  const faults: string[] = []
  if (!(await isSame(namePaths.tagList(folder), siteLists.tags(name, tags.keys()))))
    faults.push('tags/list is not the list of the tags that are there')
  const referrals = await findReferrals(manifests.values())
  const subjects = new Set(referrals.keys())
  for (const {name: subject} of await entriesOf(namePaths.referrers(folder)))
    if (isDigest(subject)) subjects.add(subject)
  for (const subject of subjects) {
    const path = namePaths.referrersOf(folder, subject)
    if (!(await isSame(path, siteLists.referrers(referrals.get(subject) ?? []))))
      faults.push(`referrers/${subject} is not the list of what refers to it`)
  }
  return faults
}

/** What is not there, or not even a file, is not what it should be. */
async function isSame(path: string, text: string): Promise<boolean> {
  try {
    return await isList(path, text)
  } catch (error) {
    return ifUnfit(false)(error)
  }
}
