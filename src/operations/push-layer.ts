import type {Layer} from '../image/image.js'
import {packLayer, type PackedContent} from '../layer/pack.js'
import type {WalkedEntry} from '../layer/walk.js'
import type {ContentStore} from '../store/content-store.js'
import type {Ports} from './ports.js'

export interface PushedLayer {
  readonly layer: Layer
  readonly content: PackedContent
  readonly uploaded: boolean
}

/** Packs the entries and stores the blob, in one streaming pass. `mediaType` is that of a gzip layer; `on` names the content to whoever watches. */
export async function pushLayer(
  store: ContentStore,
  entries: () => Iterable<WalkedEntry>,
  {mediaType, on}: {readonly mediaType: string; readonly on: string},
  {report, signal}: Ports,
): Promise<PushedLayer> {
  report({kind: 'step', step: 'pack and push', on})
  const source = packLayer(entries, {onProgress: (done) => report({kind: 'bytes', done})})
  const {digest, size, written} = await store.putBlob(source, {signal})
  const content = source.content()
  return {
    layer: {descriptor: {mediaType, digest, size}, diffId: content.diffId},
    content,
    uploaded: written,
  }
}
