import {rm} from 'node:fs/promises'
import {ifUnfit} from '../disk/error-answers.js'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {localIoError} from '../disk/local-io-error.js'
import type {Digest} from '../oci/digest.js'
import {compareTags} from '../store/tags.js'
import {makeFolder} from '../store/layout/create.js'
import {readFileStream, statFile} from '../disk/read-file.js'
import {tempPrefix} from '../store/layout/paths.js'
import {decodeFacts, type ManifestFacts} from '../oci/manifest-facts.js'
import {manifestLimit} from '../oci/manifest-kind.js'
import {readAll} from '../stream/limit.js'
import {verified} from '../stream/verify.js'
import type {SiteManifest} from './manifests.js'
import {namePaths, sitePaths} from './paths.js'
import {referrersText} from './set-up.js'

/**
 * Lists of a site as `inject serve` gives them, byte for byte.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#content-discovery
 */
export const siteLists = {
  tags: (name: string, tags: Iterable<string>): string =>
    JSON.stringify({name, tags: [...tags].sort(compareTags)}),
  catalog: (names: readonly string[]): string => JSON.stringify({repositories: names}),
  referrers: (manifests: readonly Referral[]): string =>
    referrersText(
      [...manifests]
        .sort((one, other) => (one.manifest.digest < other.manifest.digest ? -1 : 1))
        .map(({manifest: {mediaType, digest, size}, facts: {artifactType, annotations}}) => ({
          mediaType,
          digest,
          size,
          ...(artifactType !== undefined && {artifactType}),
          ...(annotations !== undefined && {annotations}),
        })),
    ),
}

/** A manifest, and what is known of it. */
export interface Referral {
  readonly manifest: SiteManifest
  readonly facts: ManifestFacts
}

/**
 * Which of the manifests refer to which. Those that are missing or cannot be read refer to nothing.
 */
export async function findReferrals(
  manifests: Iterable<SiteManifest>,
): Promise<ReadonlyMap<Digest, readonly Referral[]>> {
  const referrals = new Map<Digest, Referral[]>()
  for (const manifest of manifests) {
    const facts = await readFacts(manifest).catch(ifUnfit(undefined))
    if (facts?.subject === undefined) continue
    const list = referrals.get(facts.subject) ?? []
    list.push({manifest, facts})
    referrals.set(facts.subject, list)
  }
  return referrals
}

/** What a manifest says, verified. Throws `IntegrityError` and `LocalIoError`. */
async function readFacts({path, digest, size}: SiteManifest): Promise<ManifestFacts> {
  const stream = verified(readFileStream(path), {digest, size}, digest)
  return decodeFacts(await readAll(stream, manifestLimit, digest), digest)
}

export async function writeTagList(
  folder: string,
  name: string,
  tags: Iterable<string>,
): Promise<void> {
  await makeFolder(namePaths.tags(folder), folder)
  await writeList(namePaths.tagList(folder), siteLists.tags(name, tags))
}

export async function writeCatalog(site: string, names: readonly string[]): Promise<void> {
  await writeList(sitePaths.catalog(site), siteLists.catalog(names))
}

/** The list of what refers to `subject`; none at all where nothing does. */
export async function writeReferrers(
  folder: string,
  subject: Digest,
  referrals: readonly Referral[],
): Promise<void> {
  const path = namePaths.referrersOf(folder, subject)
  if (referrals.length > 0) {
    await makeFolder(namePaths.referrers(folder), folder)
    await writeList(path, siteLists.referrers(referrals))
    return
  }
  await rm(path, {force: true}).catch((error: unknown) => {
    throw localIoError(error, 'remove', path)
  })
}

/** Whether a list is what it should be. */
export async function isList(path: string, text: string): Promise<boolean> {
  const stats = await statFile(path)
  if (stats?.size !== Buffer.byteLength(text)) return false
  return Buffer.from(text).equals(await readAll(readFileStream(path), stats.size, path))
}

async function writeList(path: string, text: string): Promise<void> {
  if (await isList(path, text)) return
  await writeFileAtomic(path, text, {mode: 0o644, prefix: tempPrefix})
}
