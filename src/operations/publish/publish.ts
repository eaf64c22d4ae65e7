import {NotFoundError} from '../../errors.js'
import type {Encoded, Image} from '../../image/image.js'
import {algorithmOf} from '../../oci/digest.js'
import type {CallOptions, ContentStore, TagMove} from '../../store/content-store.js'
import {type ConfigUpload, createConfigUpload} from './config-upload.js'
import {outstanding} from './tag-moves.js'

/** An image before and after. Its layers are in the store. */
export interface ChangedImage {
  readonly before: Image
  /** `before` itself where nothing changed. */
  readonly after: Image
  /**
   * Stores layers of it that the store turns out to lack; `false` when there was nothing to do.
   * Without it nothing can be restored.
   */
  readonly restore?: (() => Promise<boolean>) | undefined
}

/** A document to be published: an image, or an index with other images in it than before. */
export interface ChangedDocument {
  /** What the tags are to name. */
  readonly outermost: Encoded<unknown>
  readonly images: readonly ChangedImage[]
  /** The indexes that are new, innermost first. */
  readonly indexes: readonly Encoded<unknown>[]
}

/**
 * Makes the document the one that the tags name: configs and manifests of the images first, then
 * inner indexes, the outermost document with the tags last. Nobody ever sees a tag whose parts are
 * missing. Where the registry says that a blob of an image is not there, its config and layers are
 * stored once more. Does nothing when the tags name the document already. `configUpload` may have
 * begun with the configs. Returns the tags that moved.
 */
export async function publish(
  store: ContentStore,
  {outermost, images, indexes}: ChangedDocument,
  moves: readonly TagMove[],
  {configUpload, ...call}: CallOptions & {readonly configUpload?: ConfigUpload | undefined},
): Promise<readonly string[]> {
  const {digest: last} = outermost.descriptor
  const tags = outstanding(moves, last)
  if (tags.length === 0) return []
  const put = async ({bytes, descriptor}: Encoded<unknown>): Promise<void> => {
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
 * The second: what goes elsewhere is brought there when the manifest is put, and is not where it
 * should be brought from.
 */
const blobUnknown: ReadonlySet<string> = new Set([
  'ERR_INJECT_MANIFEST_BLOB_UNKNOWN',
  'ERR_INJECT_BLOB_NOT_FOUND',
])

function isBlobUnknown(error: unknown): boolean {
  return error instanceof NotFoundError && blobUnknown.has(error.code)
}
