import type {Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index-tree.js'
import {algorithmOf} from '../../oci/digest.js'
import type {CallOptions, ContentStore, StoredManifest, TagMove} from '../../store/content-store.js'
import {streamOf} from '../../stream/bytes.js'
import {outstanding} from './tag-moves.js'

/** An index with other images in it than before, to be published. */
export interface ChangedIndex {
  readonly after: IndexTree
  /** The indexes that are new, innermost first. */
  readonly changed: readonly IndexTree['index'][]
  /** `result` is new where it is not `image`. */
  readonly images: readonly {readonly image: Image; readonly result: Image | undefined}[]
  readonly moves: readonly TagMove[]
}

/**
 * Makes the new index the one that the tags name: configs and manifests of the images first, then
 * inner indexes, the outermost with the tags last. Nobody ever sees a tag whose parts are missing.
 * Returns the tags that moved.
 */
export async function publishIndex(
  store: ContentStore,
  {images, changed, after, moves}: ChangedIndex,
  call: CallOptions,
): Promise<readonly string[]> {
  const tags = outstanding(moves, after.index.descriptor.digest)
  if (tags.length === 0) return []
  const put = ({bytes, descriptor}: StoredManifest, moved: readonly TagMove[] = []) => {
    const {mediaType, digest} = descriptor
    const how = {...call, tags: moved, algorithm: algorithmOf(digest)}
    return store.putManifest(bytes, mediaType, how)
  }
  for (const {image, result} of images) {
    if (!result || result === image) continue
    const {config, manifest} = result
    const source = {open: () => streamOf(config.bytes)}
    await store.putBlob(source, {...call, expected: config.descriptor})
    await put(manifest)
  }
  const outermost = after.index.descriptor
  for (const each of changed) if (each.descriptor.digest !== outermost.digest) await put(each)
  await put(after.index, tags)
  return tags.map(({tag}) => tag)
}
