import type {Image} from '../image/image.js'
import type {CallOptions, ContentStore, TagMove} from '../store/content-store.js'
import {streamOf} from '../stream/stream-of.js'
import {outstanding} from './tag-moves.js'

/**
 * Makes `next` the image of the tags: config first, then the manifest, then the tags, so that nobody ever sees a tag whose parts are missing.
 * The layers are there already. Does nothing for what is in place. Returns the tags that moved.
 */
export async function publish(
  store: ContentStore,
  previous: Image,
  next: Image,
  moves: readonly TagMove[],
  call: CallOptions,
): Promise<readonly string[]> {
  const tags = outstanding(moves, next.manifest.descriptor.digest)
  if (tags.length === 0) return []
  const {config, manifest} = next
  if (config.descriptor.digest !== previous.config.descriptor.digest) {
    const source = {open: () => streamOf(config.bytes)}
    await store.putBlob(source, {...call, expected: config.descriptor})
  }
  await store.putManifest(manifest.bytes, manifest.descriptor.mediaType, {...call, tags})
  return tags.map(({tag}) => tag)
}
