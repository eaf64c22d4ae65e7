import {NotFoundError} from '../errors.js'
import type {Image} from '../image/image.js'
import {algorithmOf} from '../oci/digest.js'
import type {CallOptions, ContentStore, TagMove} from '../store/content-store.js'
import {streamOf} from '../stream/stream-of.js'
import {outstanding} from './tag-moves.js'

/**
 * Makes `next` the image of the tags: config first, then the manifest, then the tags, so that nobody ever sees a tag whose parts are missing.
 * The layers are there already; where the registry says that a blob is not, config and layer (`restoreLayer`, false for nothing to do) are looked after once
 * more. Does nothing for what is in place. Returns the tags that moved.
 */
export async function publish(
  store: ContentStore,
  previous: Image,
  next: Image,
  moves: readonly TagMove[],
  {restoreLayer, ...call}: CallOptions & {readonly restoreLayer?: () => Promise<boolean>},
): Promise<readonly string[]> {
  const tags = outstanding(moves, next.manifest.descriptor.digest)
  if (tags.length === 0) return []
  const {config, manifest} = next
  const {mediaType, digest} = manifest.descriptor
  const putConfig = (): Promise<{readonly written: boolean}> => {
    const source = {open: () => streamOf(config.bytes)}
    return store.putBlob(source, {...call, expected: config.descriptor, isNew: true})
  }
  const putManifest = (): Promise<unknown> =>
    store.putManifest(manifest.bytes, mediaType, {...call, tags, algorithm: algorithmOf(digest)})
  if (config.descriptor.digest !== previous.config.descriptor.digest) await putConfig()
  try {
    await putManifest()
  } catch (error) {
    if (!isBlobUnknown(error)) throw error
    const {written} = await putConfig()
    const isRestored = (await restoreLayer?.()) ?? false
    if (!written && !isRestored) throw error
    await putManifest()
  }
  return tags.map(({tag}) => tag)
}

function isBlobUnknown(error: unknown): boolean {
  return error instanceof NotFoundError && error.code === 'ERR_INJECT_MANIFEST_BLOB_UNKNOWN'
}
