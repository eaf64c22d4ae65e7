import {ifDamaged} from '../../disk/error-answers.js'
import {InjectError, LocalIoError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import {readAll} from '../../stream/limit.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import {decodeFacts, type ManifestFacts} from '../../oci/manifest-facts.js'
import {manifestLimit} from '../../oci/manifest-kind.js'

/** What was found of one manifest that a layout lists, and of all below it. */
export interface ImageReport {
  readonly digest: Digest
  readonly tags: readonly string[]
  readonly status: 'ok' | 'affected'
  /** What is wrong, one line each. */
  readonly faults: readonly string[]
  /** Content that it names and the layout lacks. */
  readonly missing: readonly Digest[]
}

/** A manifest that is listed: once for each of its tags, or without one. */
interface ListedImage extends BlobInfo {
  readonly tag: string | undefined
}

/**
 * Walks from every manifest that is listed to all that it names. `corrupt` are blobs known to be
 * other than their names say. What descriptors say of sizes is added to `said`: the largest, where
 * they disagree. `pathOf` says where the file of a manifest or blob is.
 */
export async function checkImages(
  pathOf: (digest: Digest) => string,
  entries: readonly ListedImage[],
  corrupt: ReadonlySet<Digest>,
  said: Map<Digest, number> = new Map<Digest, number>(),
): Promise<ImageReport[]> {
  const tags = new Map<Digest, string[]>()
  for (const {digest, tag} of entries)
    tags.set(digest, [...(tags.get(digest) ?? []), ...(tag === undefined ? [] : [tag])])
  const sizes = new Map(entries.map(({digest, size}) => [digest, size] as const))
  const look = (blob: BlobInfo): Promise<Fault | undefined> => {
    said.set(blob.digest, Math.max(blob.size, said.get(blob.digest) ?? 0))
    return faultOf(pathOf(blob.digest), blob, corrupt)
  }
  const reports: ImageReport[] = []
  for (const [digest, its] of tags) {
    const found = await checkImage(pathOf, {digest, size: sizes.get(digest) ?? 0}, look)
    const status = found.faults.length === 0 ? 'ok' : 'affected'
    reports.push({digest, tags: its, status, ...found})
  }
  return reports
}

type Fault =
  'missing' | 'corrupt' | 'of another size than its descriptor says' | `not to be read: ${string}`

async function checkImage(
  pathOf: (digest: Digest) => string,
  root: BlobInfo,
  look: (blob: BlobInfo) => Promise<Fault | undefined>,
): Promise<Pick<ImageReport, 'faults' | 'missing'>> {
  const faults: string[] = []
  const missing = new Set<Digest>()
  const note = async (blob: BlobInfo): Promise<boolean> => {
    const fault = await look(blob)
    if (fault === 'missing') missing.add(blob.digest)
    if (fault !== undefined) faults.push(`${blob.digest} is ${fault}`)
    return fault === undefined
  }
  const seen = new Set<Digest>()
  const waiting = [root]
  for (let blob = waiting.pop(); blob !== undefined; blob = waiting.pop()) {
    if (seen.has(blob.digest)) continue
    seen.add(blob.digest)
    if (!(await note(blob))) continue
    const facts = await factsOf(pathOf(blob.digest), blob)
    if (typeof facts === 'string') {
      faults.push(facts)
      continue
    }
    waiting.push(...facts.children)
    for (const part of facts.parts) {
      if (!seen.has(part.digest)) await note(part)
      seen.add(part.digest)
    }
  }
  return {faults, missing: [...missing]}
}

async function faultOf(
  path: string,
  {digest, size}: BlobInfo,
  corrupt: ReadonlySet<Digest>,
): Promise<Fault | undefined> {
  if (corrupt.has(digest)) return 'corrupt'
  try {
    const stats = await statFile(path)
    if (stats === undefined) return 'missing'
    return stats.size === size ? undefined : 'of another size than its descriptor says'
  } catch (error) {
    if (error instanceof LocalIoError) return `not to be read: ${error.message}`
    // a link or a folder in its place
    return ifDamaged('corrupt' as const)(error)
  }
}

/** Or why there are none. */
async function factsOf(path: string, {digest}: BlobInfo): Promise<ManifestFacts | string> {
  try {
    return decodeFacts(await readAll(readFileStream(path), manifestLimit, digest), digest)
  } catch (error) {
    if (error instanceof InjectError) return error.message
    throw error
  }
}
