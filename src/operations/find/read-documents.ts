import {unlessFailed} from '../../errors.js'
import {decodeDocument} from '../../image/document.js'
import {noteOf, noteOfIndex, type RunNote} from '../../image/follow/run-note.js'
import type {Encoded, Image} from '../../image/image.js'
import {imageEntries} from '../../image/index/index-tree.js'
import type {Digest} from '../../oci/digest.js'
import type {ImageIndex} from '../../oci/image-index.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage, imageOf} from './fetch-image.js'
import {loadIndex} from './load-index.js'

/** The most images of an index that are read. */
const mostImages = 20

/** An image, or the images of an index: those that can be read. */
export interface ReadDocument {
  readonly index: Encoded<ImageIndex> | undefined
  readonly images: readonly Image[]
}

/**
 * Reads documents that could save work and are not needed otherwise: `undefined` for one that
 * cannot be read, for whatever reason. Each is read once in a run.
 */
export type ReadDocuments = (digest: Digest) => Promise<ReadDocument | undefined>

/** Reads documents of one store. */
export function createReadDocuments(store: ContentStore, signal: AbortSignal): ReadDocuments {
  const known = new Map<Digest, Promise<ReadDocument | undefined>>()
  return (digest) => {
    const read = known.get(digest) ?? unlessFailed(() => readDocument(store, digest, signal))
    known.set(digest, read)
    return read
  }
}

/** Throws what reading the document itself throws; images that cannot be read are left out. */
export async function readDocument(
  store: ContentStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<ReadDocument | undefined> {
  const stored = await store.getManifest(digest, {signal})
  if (!stored) return undefined
  const document = decodeDocument(stored)
  if (document.kind === 'image')
    return {index: undefined, images: [await imageOf(store, document.manifest, signal)]}
  const {tree} = await loadIndex(store, document.index, signal)
  const digests = imageEntries(tree).map((entry) => entry.digest)
  return {index: document.index, images: await readImages(store, digests, signal)}
}

/** The images that can be read, of the first 20. */
export async function readImages(
  store: ContentStore,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const images: Image[] = []
  for (const digest of digests.slice(0, mostImages)) {
    const image = await unlessFailed(() => fetchImage(store, digest, signal))
    if (image) images.push(image)
  }
  return images
}

/** The run note of a document; for a Docker list, that of the first image with one. */
export function noteIn({index, images}: ReadDocument): RunNote | undefined {
  const own = index && noteOfIndex(index)
  return own ?? images.map(noteOf).find((note) => note !== undefined)
}
