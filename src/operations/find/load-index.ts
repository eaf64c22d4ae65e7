import {InjectError, IntegrityError, LimitError, NotFoundError} from '../../errors.js'
import {imageEntries, type IndexTree} from '../../image/index/index-tree.js'
import type {PlatformImage} from '../../image/platforms.js'
import type {Encoded} from '../../image/image.js'
import type {Digest} from '../../oci/digest.js'
import {
  decodeIndex,
  entryKind,
  type ImageIndex,
  indexMediaType,
  type IndexEntry,
} from '../../oci/image-index.js'
import {type Platform, platformOf} from '../../oci/platform.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage} from './fetch-image.js'

/** The most indexes below an index; real ones have none, or a handful. */
const mostIndexes = 100
/** The most images whose config is read because their entry does not name a platform. */
const mostConfigs = 100

export interface LoadedIndex {
  readonly tree: IndexTree
  readonly images: readonly PlatformImage[]
  /** Entries that look like images but are not: an SBOM, a module for WebAssembly. */
  readonly artifacts: readonly IndexEntry[]
}

/**
 * The index with all indexes below it, each read once, and the platforms of its images. Images are
 * read only if their entry lacks the platform. Throws `NotFoundError` for a missing inner index,
 * `LimitError` for too many, and what `decodeIndex` throws.
 */
export async function loadIndex(
  store: ContentStore,
  outermost: Encoded<ImageIndex>,
  signal: AbortSignal,
): Promise<LoadedIndex> {
  const trees = new Map<Digest, IndexTree>()
  const read = async (index: Encoded<ImageIndex>): Promise<IndexTree> => {
    if (trees.size >= mostIndexes) throw tooMany(store.name)
    const below = new Map<Digest, IndexTree>()
    const tree = {index, below}
    trees.set(index.descriptor.digest, tree)
    for (const entry of index.value.manifests) {
      if (entryKind(entry) !== 'index') continue
      below.set(entry.digest, trees.get(entry.digest) ?? (await read(await get(entry))))
    }
    return tree
  }
  const get = async ({digest, size}: IndexEntry): Promise<Encoded<ImageIndex>> => {
    const found = await store.getManifest(digest, {signal})
    if (!found)
      throw new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', `${store.name} lacks index ${digest}`)
    if (found.bytes.length === size) return encodedIndex(found)
    throw new IntegrityError(
      'ERR_INJECT_SIZE_MISMATCH',
      `index ${digest} does not have the size that its descriptor gives`,
      {expected: size, found: found.bytes.length},
    )
  }
  const tree = await read(outermost)
  return {tree, ...(await platformsOf(store, imageEntries(tree), signal))}
}

function encodedIndex({descriptor, bytes}: Omit<Encoded<unknown>, 'value'>) {
  const value = decodeIndex(bytes, descriptor.mediaType)
  const mediaType = indexMediaType(value, descriptor.mediaType)
  return {descriptor: {...descriptor, mediaType}, bytes, value}
}

async function platformsOf(
  store: ContentStore,
  entries: readonly IndexEntry[],
  signal: AbortSignal,
): Promise<Pick<LoadedIndex, 'images' | 'artifacts'>> {
  const images: PlatformImage[] = []
  const artifacts: IndexEntry[] = []
  let configs = 0
  for (const entry of entries) {
    const platform =
      entry.platform ?? (++configs > mostConfigs ? unknown : await askConfig(store, entry, signal))
    if (platform === 'artifact') artifacts.push(entry)
    else images.push({entry, platform})
  }
  return {images, artifacts}
}

const unknown: Platform = {os: 'unknown', architecture: 'unknown'}

async function askConfig(
  store: ContentStore,
  {digest}: IndexEntry,
  signal: AbortSignal,
): Promise<Platform | 'artifact'> {
  const image = await unlessArtifact(() => fetchImage(store, digest, signal))
  if (image === 'artifact') return image
  return image ? platformOf(image.config.value) : unknown
}

/** The result of `work`, or `artifact` if the manifest is valid but does not describe an image. */
export async function unlessArtifact<T>(work: () => Promise<T>): Promise<T | 'artifact'> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof InjectError && error.code === 'ERR_INJECT_NOT_AN_IMAGE') return 'artifact'
    throw error
  }
}

function tooMany(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_INDEX_TOO_DEEP',
    `an index in ${name} has more than ${mostIndexes} indexes below it`,
    {expected: mostIndexes},
  )
}
