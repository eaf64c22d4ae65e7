import {ifDamaged} from '../../disk/error-answers.js'
import {InjectError, IntegrityError} from '../../errors.js'
import {algorithmOf, type Digest} from '../../oci/digest.js'
import {limited} from '../../stream/limit.js'
import {measured} from '../../stream/bytes.js'
import {type RepositoryPlace, type Repository, type RepositoryRoot} from '../repository.js'
import type {BlobSource, CallOptions} from '../content-store.js'
import {checkImages, type ImageReport} from './check-images.js'
import {listBlobs, strangeNames} from '../garbage/list-blobs.js'
import {checkLayout} from '../layout/create.js'
import {createFileHasher, type HashFile} from './hash-files.js'
import {statFile} from '../../disk/read-file.js'
import {layoutPaths} from '../layout/paths.js'
import {emptyIndex} from '../layout/index-json.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import {quarantineIfDamaged} from '../served/blobs/quarantine.js'
import {readIndexOnce} from '../served/manifests/index-file.js'
import {rebuildLayout, type Rebuilt} from './rebuild-layout.js'
import {findHalfLayouts, rootPaths} from '../layout/root-paths.js'
import {withLock} from '../../disk/lock.js'

export interface CheckOptions extends CallOptions {
  /**
   * Where the content of a blob that is corrupt or missing can be had; `undefined` when nowhere.
   * Without it no blob is changed.
   */
  readonly repair?: ((digest: Digest) => Promise<BlobSource | undefined>) | undefined
  /** Rebuild `index.json` and `oci-layout` if they are missing or damaged. */
  readonly rebuild?: boolean | undefined
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
  /** The rebuilt parts of the layout; absent if nothing was rebuilt. */
  readonly rebuilt?: Rebuilt | undefined
}

/**
 * Reads everything in a root again: every blob against its name, every layout against its
 * specification, every image down to its layers. The root may be in use. What a blob is repaired
 * with is verified before the corrupt file is moved aside, and taken up to the size that
 * descriptors say; for what none names, up to the largest that one says of another blob, or 4 MiB.
 */
export async function checkStore(
  root: RepositoryRoot,
  options: CheckOptions = {},
): Promise<StoreReport> {
  const remade = options.rebuild === true ? await rebuildHalfLayouts(root, options) : nothingRemade
  let current = ''
  const {hash, total} = createFileHasher((bytes) => options.onProgress?.(current, bytes))
  const repositories: RepositoryReport[] = []
  for await (const name of root.listRepositories(options)) {
    current = name
    options.onProgress?.(current, total().bytes)
    const report = await checkRepository(root, name, hash, options)
    const rebuilt = report.rebuilt ?? remade.get(name)
    repositories.push({...report, ...(rebuilt && {rebuilt})})
  }
  for await (const name of findHalfLayouts(root.directory, options.signal)) {
    if (!(await holdsContent(rootPaths.repository(root.directory, name)))) continue
    const faults = ['has parts of a layout and no file oci-layout: it is not served']
    repositories.push({name, faults, images: [], corrupt: [], repaired: []})
  }
  return {repositories, ...total()}
}

const nothingRemade: ReadonlyMap<string, Rebuilt> = new Map()

/** Folders that are not served because they have lost their `oci-layout`. */
async function rebuildHalfLayouts(
  root: RepositoryRoot,
  {signal}: CheckOptions,
): Promise<ReadonlyMap<string, Rebuilt>> {
  const remade = new Map<string, Rebuilt>()
  for await (const name of findHalfLayouts(root.directory, signal)) {
    const directory = rootPaths.repository(root.directory, name)
    if (!(await holdsContent(directory))) continue
    const rebuilt = await rebuildLayout({root: root.directory, directory}, name, signal)
    if (rebuilt) remade.set(name, rebuilt)
  }
  return remade
}

/**
 * One that is just being made, or whose maker was killed, holds nothing yet: the next push
 * completes it.
 */
async function holdsContent(directory: string): Promise<boolean> {
  if (!(await listBlobs(directory).next()).done) return true
  const index = await statFile(layoutPaths.index(directory)).catch(ifDamaged(undefined))
  return index !== undefined && index.size !== Buffer.byteLength(emptyIndex)
}

async function checkRepository(
  root: RepositoryRoot,
  name: string,
  hash: HashFile,
  {repair, rebuild = false, signal}: CheckOptions,
): Promise<RepositoryReport> {
  const directory = rootPaths.repository(root.directory, name)
  const place = {root: root.directory, directory}
  const pathOf = (digest: Digest): string => layoutPaths.blob(directory, digest)
  const faults: string[] = []
  const sizes = new Map<Digest, number>()
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

  const rebuilt = rebuild ? await noting(() => rebuildLayout(place, name, signal)) : undefined
  await noting(() => checkLayout(directory))
  const index = await noting(() => readIndexOnce(place, name))
  faults.push(...(await strangeNames(directory)))
  for await (const digest of listBlobs(directory)) {
    signal?.throwIfAborted()
    const found = await noting(() => hash(pathOf(digest), digest))
    if (found !== undefined && found !== digest) corrupt.add(digest)
  }
  const check = async (): Promise<readonly ImageReport[]> => {
    if (index === undefined) return []
    const images = await checkImages(pathOf, index.entries, corrupt, sizes)
    if (images.every(({status}) => status === 'ok')) return images
    // what was deleted meanwhile is not a fault
    const {entries} = await readIndexOnce(place, name)
    const listed = new Set(entries.map(({digest}) => digest))
    return images.filter(({status, digest}) => status === 'ok' || listed.has(digest))
  }

  let images = await check()
  if (repair !== undefined) {
    const repository = await noting(() => root.openRepository(name))
    // a manifest that is whole again names content that nobody knew of
    for (let wanted = toRepair(images, corrupt); repository && wanted.length > 0;) {
      const before = repaired.length
      for (const digest of wanted) {
        signal?.throwIfAborted()
        const limit = sizes.get(digest) ?? Math.max(manifestLimit, ...sizes.values())
        if (!(await noting(() => repairBlob(place, repository, {digest, limit}, repair)))) continue
        corrupt.delete(digest)
        repaired.push(digest)
      }
      images = await check()
      wanted = toRepair(images, corrupt)
      if (repaired.length === before) break
    }
  }
  return {name, faults, images, corrupt: [...corrupt], repaired, ...(rebuilt && {rebuilt})}
}

function toRepair(images: readonly ImageReport[], corrupt: ReadonlySet<Digest>): Digest[] {
  return [...new Set([...corrupt, ...images.flatMap(({missing}) => missing)])]
}

async function repairBlob(
  place: RepositoryPlace,
  repository: Repository,
  {digest, limit}: {readonly digest: Digest; readonly limit: number},
  repair: NonNullable<CheckOptions['repair']>,
): Promise<boolean> {
  const source = await repair(digest)
  if (source === undefined) return false
  const session = await repository.startUpload({algorithm: algorithmOf(digest)})
  try {
    const what = `what was fetched for ${digest}`
    const {stream, result} = measured(limited(source.open(), limit, what), algorithmOf(digest))
    await session.append(stream)
    const {digest: found} = result()
    if (found !== digest) throw otherContent(what, digest, found)
  } catch (error) {
    await session.cancel()
    throw error
  }
  // only now, with something better in its place
  await withLock(layoutPaths.lock(place.directory), ({confirm}) =>
    quarantineIfDamaged(place, digest, confirm),
  )
  await session.finish(digest)
  return true
}

function otherContent(what: string, expected: Digest, found: Digest): IntegrityError {
  const message = `${what} is something else: found ${found}`
  return new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', message, {expected, found})
}
