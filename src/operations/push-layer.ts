import type {Layer} from '../image/image.js'
import {packLayer, type PackedContent} from '../layer/pack.js'
import type {WalkedEntry} from '../layer/walk.js'
import type {LayerCompression} from '../oci/media-type.js'
import type {ContentStore} from '../store/content-store.js'
import type {UploadJournal} from '../store/upload-journal.js'
import type {Ports} from './ports.js'

export interface PushedLayer {
  readonly layer: Layer
  readonly content: PackedContent
  readonly uploaded: boolean
}

/**
 * Packs the entries and stores the blob, in one streaming pass. `mediaType` is that of a layer compressed so; `on` names the content to whoever watches. With
 * `packing`, which says what is packed and how, another run goes on where this one is killed.
 */
export async function pushLayer(
  store: ContentStore,
  entries: () => Iterable<WalkedEntry>,
  {
    mediaType,
    compression,
    on,
    packing,
  }: {
    readonly mediaType: string
    readonly compression?: LayerCompression | undefined
    readonly on: string
    readonly packing?: readonly string[]
  },
  {report, signal, withJournal}: Ports,
): Promise<PushedLayer> {
  report({kind: 'step', step: 'pack and push', on})
  const onProgress = (done: number) => report({kind: 'bytes', done})
  const source = packLayer(entries, {compression, onProgress})
  const put = (journal?: UploadJournal): ReturnType<ContentStore['putBlob']> =>
    store.putBlob(source, {signal, journal, isNew: true})
  const {digest, size, written} =
    packing && withJournal ? await withJournal([store.name, ...packing], put) : await put()
  const content = source.content()
  return {
    layer: {descriptor: {mediaType, digest, size}, diffId: content.diffId},
    content,
    uploaded: written,
  }
}
