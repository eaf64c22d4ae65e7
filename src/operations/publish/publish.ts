import {NotFoundError} from '../../errors.js'
import type {Image} from '../../image/image.js'
import {algorithmOf} from '../../oci/digest.js'
import type {CallOptions, ContentStore, TagMove} from '../../store/content-store.js'
import {type ConfigUpload, createConfigUpload} from './config-upload.js'
import {outstanding} from './tag-moves.js'

/**
 * Makes `next` the image of the tags: config first, then the manifest, then the tags, so that
 * nobody ever sees a tag whose parts are missing. The layers are there already; where the registry
 * says that a blob is not, config and layer (`restoreLayer`, false for nothing to do) are looked
 * after once more. Does nothing for what is in place. `configUpload` may have begun with the
 * config. Returns the tags that moved.
 */
export async function publish(
  store: ContentStore,
  previous: Image,
  next: Image,
  moves: readonly TagMove[],
  {
    restoreLayer,
    configUpload,
    ...call
  }: CallOptions & {
    readonly restoreLayer?: () => Promise<boolean>
    readonly configUpload?: ConfigUpload | undefined
  },
): Promise<readonly string[]> {
  const tags = outstanding(moves, next.manifest.descriptor.digest)
  if (tags.length === 0) return []
  const {config, manifest} = next
  const {mediaType, digest} = manifest.descriptor
  const upload = configUpload ?? createConfigUpload(store, call)
  const putManifest = (): Promise<unknown> =>
    store.putManifest(manifest.bytes, mediaType, {...call, tags, algorithm: algorithmOf(digest)})
  if (config.descriptor.digest !== previous.config.descriptor.digest) await upload.end(next)
  try {
    await putManifest()
  } catch (error) {
    if (!isBlobUnknown(error)) throw error
    const written = await upload.end(next)
    const isRestored = (await restoreLayer?.()) ?? false
    if (!written && !isRestored) throw error
    await putManifest()
  }
  return tags.map(({tag}) => tag)
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
