import {link} from 'node:fs/promises'
import {join} from 'node:path'
import {writeFileAtomic} from '../../disk/atomic-file.js'
import {ifDamaged, ifUnfit, quietly} from '../../disk/error-answers.js'
import {withLock} from '../../disk/lock.js'
import {ownedName} from '../../disk/owned-name.js'
import {readFileStream, statFile} from '../../disk/read-file.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {algorithmOf, type Digest, digestOf} from '../../oci/digest.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {decodeFacts, type ManifestFacts} from '../../oci/manifest-facts.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {dockerManifest, dockerManifestList, ociIndex, ociManifest} from '../../oci/media-type.js'
import {readAll} from '../../stream/limit.js'
import {listBlobs} from '../garbage/list-blobs.js'
import {makeFolder} from '../layout/create.js'
import {readIndexCopy} from '../layout/index-copy.js'
import {emptyIndex} from '../layout/index-json.js'
import {markerLimit, soundMarker} from '../layout/marker.js'
import {layoutPaths, tempPrefix} from '../layout/paths.js'
import {rootPaths} from '../layout/root-paths.js'
import type {RepositoryPlace} from '../repository.js'
import {openIndexFile} from '../served/manifests/index-file.js'
import {
  decodeRepositoryIndex,
  type RepositoryIndex,
  withManifest,
} from '../served/manifests/index-value.js'

/** The rebuilt parts of a repository's layout. */
export interface Rebuilt {
  /** How many manifests `index.json` lists now. */
  readonly manifests: number
  readonly tags: readonly string[]
  /** RFC 3339: the time of the restored tags; absent if there are none. */
  readonly copied?: string | undefined
}

/**
 * Makes `index.json` and `oci-layout` of a repository again where they are missing or damaged; what
 * they held is kept in the root's quarantine. The tags are those of the copy that the root keeps of
 * `index.json`; manifests that the copy does not have are found among the blobs, and listed without
 * a tag unless an index names them. `undefined` if there was nothing to do, also for a layout of
 * another version, which is not damaged. `name` is for messages.
 */
export async function rebuildLayout(
  place: RepositoryPlace,
  name: string,
  signal?: AbortSignal,
): Promise<Rebuilt | undefined> {
  const {directory} = place
  const rebuild = async (confirm: () => Promise<void>): Promise<Rebuilt | undefined> => {
    const file = openIndexFile(place, name)
    const sound = await file.read().catch(ifDamaged(undefined))
    const isMarked = await hasMarker(directory)
    if (sound && isMarked) return undefined
    const copy = sound ? undefined : await copyOf(place)
    const index = sound ?? (await withFound(directory, copy?.index ?? emptyRepository, signal))
    if (!sound) {
      await keepDamaged(place)
      await file.write(index, confirm)
    }
    // `oci-layout` is written last, because it makes the folder a layout
    const options = {mode: 0o644, prefix: tempPrefix, check: confirm}
    if (!isMarked) await writeFileAtomic(layoutPaths.marker(directory), soundMarker, options)
    const tags = new Set(index.entries.flatMap(({tag}) => tag ?? []))
    const manifests = new Set(index.entries.map(({digest}) => digest)).size
    const copied = sound ? new Date() : copy?.time
    return {manifests, tags: [...tags], ...(copied && {copied: copied.toISOString()})}
  }
  return withLock(layoutPaths.lock(directory), ({confirm}) => rebuild(confirm), {signal})
}

const emptyRepository = decodeRepositoryIndex(Buffer.from(emptyIndex), 'an empty index.json')

/** Whether `oci-layout` has a version, even an unknown one. */
async function hasMarker(directory: string): Promise<boolean> {
  const path = layoutPaths.marker(directory)
  const stats = await statFile(path)
  if (stats === undefined) return false
  const bytes = await readAll(readFileStream(path), markerLimit, 'oci-layout').catch(
    ifUnfit(undefined),
  )
  const value = bytes && parseJsonValue(Buffer.from(bytes).toString('utf8'))
  return typeof value === 'object' && value !== null && 'imageLayoutVersion' in value
}

async function copyOf(
  place: RepositoryPlace,
): Promise<{readonly index: RepositoryIndex; readonly time: Date} | undefined> {
  const copy = await readIndexCopy(place).catch(ifUnfit(undefined))
  if (copy === undefined) return undefined
  try {
    const index = decodeRepositoryIndex(copy.bytes, 'the copy of index.json')
    return {index, time: copy.time}
  } catch (error) {
    ifDamaged(undefined)(error)
    return undefined
  }
}

/** The index with all stored manifests that nothing else lists, ordered by digest. */
async function withFound(
  directory: string,
  index: RepositoryIndex,
  signal: AbortSignal | undefined,
): Promise<RepositoryIndex> {
  const found = new Map<Digest, Descriptor>()
  const children = new Set<Digest>()
  for await (const digest of listBlobs(directory)) {
    signal?.throwIfAborted()
    const manifest = await manifestIn(layoutPaths.blob(directory, digest), digest)
    if (!manifest) continue
    found.set(digest, manifest.descriptor)
    for (const child of manifest.facts.children) children.add(child.digest)
  }
  const topmost = [...found.values()].filter(({digest}) => !children.has(digest))
  return topmost.sort((a, b) => (a.digest < b.digest ? -1 : 1)).reduce(withManifest, index)
}

const kinds: ReadonlySet<string> = new Set([
  ociManifest,
  ociIndex,
  dockerManifest,
  dockerManifestList,
])

/** `undefined` for a blob that is not a manifest, or does not match its digest. */
async function manifestIn(
  path: string,
  digest: Digest,
): Promise<{readonly descriptor: Descriptor; readonly facts: ManifestFacts} | undefined> {
  try {
    const stats = await statFile(path)
    if (stats === undefined || stats.size > manifestLimit) return undefined
    const bytes = await readAll(readFileStream(path), manifestLimit, digest)
    // most blobs of this size are layers
    if (bytes[0] !== brace || digestOf(bytes, algorithmOf(digest)) !== digest) return undefined
    const facts = decodeFacts(bytes, digest)
    const {mediaType = ''} = facts
    if (!kinds.has(mediaType)) return undefined
    return {descriptor: {mediaType, digest, size: bytes.length}, facts}
  } catch (error) {
    ifUnfit(undefined)(error)
    return undefined
  }
}

const brace = 0x7b

/** Kept for inspection; if that fails, the repair goes on. */
async function keepDamaged({root, directory}: RepositoryPlace): Promise<void> {
  const path = layoutPaths.index(directory)
  const folder = rootPaths.quarantine(root)
  const keep = async (): Promise<void> => {
    await makeFolder(folder, root)
    await link(path, join(folder, ownedName('index.json-')))
  }
  await quietly(keep())
}
