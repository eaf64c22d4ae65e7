import {InjectError} from '../errors.js'
import {algorithmOf, type Digest} from '../oci/digest.js'
import {measured} from '../stream/tap.js'
import type {RepositoryPlace} from './blob-files.js'
import type {BlobSource, CallOptions} from './content-store.js'
import {checkImages, type ImageReport} from './check-images.js'
import {listBlobs, strangeNames} from './list-blobs.js'
import {checkLayout} from './layout-create.js'
import {layoutPaths, readFileStream, statFile} from './layout-files.js'
import {quarantine} from './quarantine.js'
import {readIndexOnce} from './repository-index.js'
import type {Repository, RepositoryRoot} from './repository.js'
import {rootPaths} from './repository-paths.js'
import {withLock} from '../disk/lock.js'

export interface CheckOptions extends CallOptions {
  /** Where the content of a blob that is corrupt or missing can be had; `undefined` when nowhere. Without it nothing is changed. */
  readonly repair?: ((digest: Digest) => Promise<BlobSource | undefined>) | undefined
  /** Hears of the repository that is read, and of the bytes that were read of all so far. */
  readonly onProgress?: ((repository: string, bytes: number) => void) | undefined
}

/** What was found in a root, repository by repository. */
export interface StoreReport {
  readonly repositories: readonly RepositoryReport[]
  /** Files that were read, and their bytes; one that several repositories share counts once. */
  readonly files: number
  readonly bytes: number
}

export interface RepositoryReport {
  readonly name: string
  /** What is wrong with the layout itself, one line each. */
  readonly faults: readonly string[]
  readonly images: readonly ImageReport[]
  /** Blobs whose bytes are not what their names say. */
  readonly corrupt: readonly Digest[]
  /** Those, and missing ones, that are right again. */
  readonly repaired: readonly Digest[]
}

/**
 * Reads everything in a root again: every blob against its name, every layout against its specification, every image down to its layers. The root may be
 * in use. A blob that is repaired was moved aside before, and is verified like any other that is put.
 */
export async function checkStore(
  root: RepositoryRoot,
  options: CheckOptions = {},
): Promise<StoreReport> {
  const seen = new Map<string, Digest>()
  const total = {files: 0, bytes: 0}
  let current = ''
  const hash = async (path: string, digest: Digest): Promise<Digest | undefined> => {
    const stats = await statFile(path)
    if (stats === undefined) return undefined
    const key = `${stats.dev}-${stats.ino}-${stats.size}-${algorithmOf(digest)}`
    const known = seen.get(key)
    if (known !== undefined) return known
    const {stream, result} = measured(readFileStream(path), algorithmOf(digest))
    try {
      for await (const {length} of stream) {
        total.bytes += length
        options.onProgress?.(current, total.bytes)
      }
    } catch (error) {
      // deleted since
      if ((await statFile(path)) === undefined) return undefined
      throw error
    }
    const {digest: found} = result()
    seen.set(key, found)
    total.files++
    return found
  }

  const repositories: RepositoryReport[] = []
  for await (const name of root.listRepositories(options)) {
    current = name
    options.onProgress?.(current, total.bytes)
    repositories.push(await checkRepository(root, name, hash, options))
  }
  return {repositories, ...total}
}

/** The digest of a file's content; `undefined` when there is none (any more). */
type HashFile = (path: string, digest: Digest) => Promise<Digest | undefined>

async function checkRepository(
  root: RepositoryRoot,
  name: string,
  hash: HashFile,
  {repair, signal}: CheckOptions,
): Promise<RepositoryReport> {
  const directory = rootPaths.repository(root.directory, name)
  const faults: string[] = []
  const corrupt = new Set<Digest>()
  const repaired: Digest[] = []
  const noting = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      faults.push(error.message)
      return undefined
    }
  }

  await noting(() => checkLayout(directory))
  const index = await noting(() => readIndexOnce(directory, name))
  faults.push(...(await strangeNames(directory)))
  for await (const digest of listBlobs(directory)) {
    signal?.throwIfAborted()
    const found = await noting(() => hash(layoutPaths.blob(directory, digest), digest))
    if (found !== undefined && found !== digest) corrupt.add(digest)
  }
  const check = async (): Promise<readonly ImageReport[]> => {
    if (index === undefined) return []
    const images = await checkImages(directory, index, corrupt)
    if (images.every(({status}) => status === 'ok')) return images
    // what was deleted meanwhile is no fault
    const {entries} = await readIndexOnce(directory, name)
    const listed = new Set(entries.map(({digest}) => digest))
    return images.filter(({status, digest}) => status === 'ok' || listed.has(digest))
  }

  let images = await check()
  if (repair !== undefined) {
    const repository = await noting(() => root.openRepository(name))
    const place = {root: root.directory, directory}
    // a manifest that is whole again names content that nobody knew of
    for (let wanted = toRepair(images, corrupt); repository && wanted.length > 0;) {
      const before = repaired.length
      for (const digest of wanted) {
        signal?.throwIfAborted()
        if (!(await noting(() => repairBlob(place, repository, digest, repair)))) continue
        corrupt.delete(digest)
        repaired.push(digest)
      }
      images = await check()
      wanted = toRepair(images, corrupt)
      if (repaired.length === before) break
    }
  }
  return {name, faults, images, corrupt: [...corrupt], repaired}
}

function toRepair(images: readonly ImageReport[], corrupt: ReadonlySet<Digest>): Digest[] {
  return [...new Set([...corrupt, ...images.flatMap(({missing}) => missing)])]
}

async function repairBlob(
  place: RepositoryPlace,
  repository: Repository,
  digest: Digest,
  repair: NonNullable<CheckOptions['repair']>,
): Promise<boolean> {
  const source = await repair(digest)
  if (source === undefined) return false
  const path = layoutPaths.blob(place.directory, digest)
  const bad = await statFile(path)
  if (bad !== undefined)
    await withLock(layoutPaths.lock(place.directory), () => quarantine(place, digest))
  const session = await repository.startUpload({algorithm: algorithmOf(digest)})
  try {
    await session.append(source.open())
  } catch (error) {
    await session.cancel()
    throw error
  }
  await session.finish(digest)
  return true
}
