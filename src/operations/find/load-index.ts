import {IntegrityError, LimitError, NotFoundError} from '../../errors.js'
import {imageEntries, type IndexTree} from '../../image/index-tree.js'
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

/** Indexes below an index, at most; real ones have none, or a handful. */
const mostIndexes = 100
/** Images whose entry does not say what they run on, and whose config is read for it, at most. */
const mostConfigs = 100

export interface LoadedIndex {
  readonly tree: IndexTree
  readonly images: readonly PlatformImage[]
}

/**
 * The index with all indexes below it, each read once, and the platforms of its images; of the
 * images themselves nothing is read unless their entry lacks the platform. Throws `NotFoundError`
 * for an index below that is not there, `LimitError` for too many, and what `decodeIndex` throws.
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
  return {tree, images: await platformsOf(store, imageEntries(tree), signal)}
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
): Promise<PlatformImage[]> {
  const images: PlatformImage[] = []
  let configs = 0
  for (const entry of entries) {
    const platform =
      entry.platform ?? (++configs > mostConfigs ? unknown : await askConfig(store, entry, signal))
    images.push({entry, platform})
  }
  return images
}

const unknown: Platform = {os: 'unknown', architecture: 'unknown'}

async function askConfig(
  store: ContentStore,
  {digest}: IndexEntry,
  signal: AbortSignal,
): Promise<Platform> {
  const image = await fetchImage(store, digest, signal)
  return image ? platformOf(image.config.value) : unknown
}

function tooMany(name: string): LimitError {
  return new LimitError(
    'ERR_INJECT_INDEX_TOO_DEEP',
    `an index in ${name} has more than ${mostIndexes} indexes below it`,
    {expected: mostIndexes},
  )
}
