import type {Digest} from '../../oci/digest.js'
import type {BlobSource, ContentStore, PutBlobOptions} from '../../store/content-store.js'
import type {BlobPlaces} from './blob-places.js'

/** Bytes of blobs; those of manifests are not counted. */
export interface PlacedBytes {
  sent: number
  mounted: number
}

export interface PlacedStoreOptions {
  /** The repository of the store. */
  readonly repository: string
  readonly places: BlobPlaces
  /** Added to as blobs are put. */
  readonly bytes: PlacedBytes
  readonly onBytes: (count: number) => void
}

/**
 * A repository of the target for the copy of one image: a blob that another repository of the run
 * has is mounted from there, and one that is on its way there is waited for. It is not closed.
 */
export function createPlacedStore(
  store: ContentStore,
  {repository, places, bytes, onBytes}: PlacedStoreOptions,
): ContentStore {
  const put = async (content: BlobSource, options: PutBlobOptions & {expected: Blob}) => {
    const {expected, signal, mountFrom = []} = options
    const {digest, size} = expected
    if (places.isIn(repository, digest)) return {digest, size, written: false}
    // not worth looking into other images where the blob is here
    if (places.holder(digest) === undefined && places.canLearn()) {
      const found = await store.statBlob(digest, {signal})
      if (found?.size === size) {
        places.add(repository, digest)
        return {digest, size, written: false}
      }
      await places.learn()
    }
    const holder = places.holder(digest)
    const source = watched(content, onBytes)
    const result = await store.putBlob(source, {
      ...options,
      // one request mounts it, or begins the upload
      ...(holder !== undefined && {isNew: true, mountFrom: [holder, ...mountFrom]}),
    })
    places.add(repository, digest)
    if (source.wasOpened()) bytes.sent += size
    else if (result.written) bytes.mounted += size
    return result
  }
  return {
    ...store,
    putBlob(content, options = {}) {
      const {expected} = options
      if (!expected) return store.putBlob(content, options)
      return places.inTurn(expected.digest, () => put(content, {...options, expected}))
    },
    close: () => Promise.resolve(),
  }
}

type Blob = NonNullable<PutBlobOptions['expected']>

/**
 * The same for a dry run: a blob that another image of the run would bring counts as there, so that
 * it is counted once.
 */
export function createPlannedStore(store: ContentStore, places: BlobPlaces): ContentStore {
  const stat = async (digest: Digest, options: Parameters<ContentStore['statBlob']>[1]) => {
    if (places.holder(digest) !== undefined) return {digest, size: 0}
    const found = await store.statBlob(digest, options)
    places.add('', digest)
    return found
  }
  return {
    ...store,
    statBlob: (digest, options) => places.inTurn(digest, () => stat(digest, options)),
    close: () => Promise.resolve(),
  }
}

function watched(
  content: BlobSource,
  onBytes: (count: number) => void,
): BlobSource & {wasOpened(): boolean} {
  let opened = false
  return {
    ...(content.proven && {proven: content.proven}),
    wasOpened: () => opened,
    async *open(call) {
      opened = true
      for await (const chunk of content.open(call)) {
        onBytes(chunk.length)
        yield chunk
      }
    },
  }
}
