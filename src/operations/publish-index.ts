import type {CallOptions, ContentStore} from '../store/content-store.js'
import {streamOf} from '../stream/stream-of.js'
import type {InjectedIndex} from './inject-index.js'
import {outstanding} from './tag-moves.js'

/**
 * Makes the new index the one that the tags name: configs and manifests of the images first, then inner indexes, the outermost with the tags last. Nobody ever sees a
 * tag whose parts are missing. Returns the tags that moved.
 */
export async function publishIndex(
  store: ContentStore,
  {images, changed, after, moves}: InjectedIndex,
  call: CallOptions,
): Promise<readonly string[]> {
  const tags = outstanding(moves, after.index.descriptor.digest)
  if (tags.length === 0) return []
  for (const {image, result} of images) {
    if (!result || result === image) continue
    const {config, manifest} = result
    const source = {open: () => streamOf(config.bytes)}
    await store.putBlob(source, {...call, expected: config.descriptor})
    await store.putManifest(manifest.bytes, manifest.descriptor.mediaType, call)
  }
  const outermost = after.index.descriptor
  for (const {bytes, descriptor} of changed)
    if (descriptor.digest !== outermost.digest)
      await store.putManifest(bytes, descriptor.mediaType, call)
  await store.putManifest(after.index.bytes, outermost.mediaType, {...call, tags})
  return tags.map(({tag}) => tag)
}
