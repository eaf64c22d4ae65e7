import type {IndexAttestation} from '../../attest/index-attestation.js'
import {NotFoundError} from '../../errors.js'
import type {Encoded, Image} from '../../image/image.js'
import {algorithmOf} from '../../oci/digest.js'
import type {CallOptions, ContentStore, StoredManifest, TagMove} from '../../store/content-store.js'
import {streamOf} from '../../stream/bytes.js'
import {type ConfigUpload, createConfigUpload} from './config-upload.js'
import {outstanding} from './tag-moves.js'

/** An image before and after. Its layers are already in the store. */
export interface ChangedImage {
  readonly before: Image
  /** The same object as `before` if nothing changed. */
  readonly after: Image
  /**
   * Stores layers of the image that the store lacks; `false` when there was nothing to do. Absent:
   * nothing can be restored.
   */
  readonly restore?: (() => Promise<boolean>) | undefined
}

/** A document to publish: an image, or an index with some of its images replaced. */
export interface ChangedDocument {
  /** What the tags will name. */
  readonly outermost: Encoded<unknown>
  readonly images: readonly ChangedImage[]
  /** The indexes that are new, innermost first. */
  readonly indexes: readonly Encoded<unknown>[]
  /** What is new in them beside the images. Default: nothing. */
  readonly attestations?: readonly IndexAttestation[] | undefined
}

/** A document that the store has already, with all of its parts. */
export function storedDocument(stored: StoredManifest): ChangedDocument {
  return {outermost: {...stored, value: undefined}, images: [], indexes: []}
}

/**
 * Publishes the document under the tags: configs and manifests of the images first, then what is
 * said of them, inner indexes, and the outermost document with the tags. No client ever sees a tag
 * with missing parts. If the registry reports a missing blob of an image, its config and layers are
 * stored once more. Does nothing when the tags name the document already. `configUpload` may have
 * begun with the configs. Returns the tags that moved.
 */
export async function publish(
  store: ContentStore,
  {outermost, images, indexes, attestations = []}: ChangedDocument,
  moves: readonly TagMove[],
  {configUpload, ...call}: CallOptions & {readonly configUpload?: ConfigUpload | undefined},
): Promise<readonly string[]> {
  const {digest: last} = outermost.descriptor
  const tags = outstanding(moves, last)
  if (tags.length === 0) return []
  const put = async ({bytes, descriptor}: Omit<Encoded<unknown>, 'value'>): Promise<void> => {
    const {mediaType, digest} = descriptor
    const moved = digest === last ? tags : []
    await store.putManifest(bytes, mediaType, {
      ...call,
      tags: moved,
      algorithm: algorithmOf(digest),
    })
  }
  const upload = configUpload ?? createConfigUpload(store, call)
  for (const image of images) {
    const {before, after} = image
    if (after === before && after.manifest.descriptor.digest !== last) continue
    await putImage(image, () => put(after.manifest), upload)
  }
  for (const {manifest, blobs} of attestations) {
    for (const {descriptor: expected, bytes} of blobs)
      await store.putBlob({open: () => streamOf(bytes)}, {...call, expected, isNew: true})
    await put(manifest)
  }
  for (const index of indexes) if (index.descriptor.digest !== last) await put(index)
  if (!images.some(({after}) => after.manifest.descriptor.digest === last)) await put(outermost)
  return tags.map(({tag}) => tag)
}

async function putImage(
  {before, after, restore}: ChangedImage,
  putManifest: () => Promise<void>,
  upload: ConfigUpload,
): Promise<void> {
  if (after.config.descriptor.digest !== before.config.descriptor.digest) await upload.end(after)
  try {
    await putManifest()
  } catch (error) {
    if (!isBlobUnknown(error)) throw error
    const written = await upload.end(after)
    const isRestored = (await restore?.()) ?? false
    if (!written && !isRestored) throw error
    await putManifest()
  }
}

/**
 * The second code: putting a manifest elsewhere copies its blobs, and the source lacks one of them.
 */
const blobUnknown: ReadonlySet<string> = new Set([
  'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
  'ERR_INJECT_BLOB_NOT_FOUND',
])

function isBlobUnknown(error: unknown): boolean {
  return error instanceof NotFoundError && blobUnknown.has(error.code)
}
