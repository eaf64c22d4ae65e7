import type {Layer} from '../image/image.js'
import type {BlockBuffers} from '../layer/block-buffers.js'
import type {BlockCache} from '../layer/block-cache.js'
import {type LayerFormat, packLayer, type PackedContent} from '../layer/pack.js'
import type {WalkedEntry} from '../layer/walk.js'
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
    on,
    packing,
    buffers,
    ...format
  }: LayerFormat & {
    readonly mediaType: string
    readonly on: string
    readonly packing?: readonly string[] | undefined
    readonly buffers?: BlockBuffers | undefined
  },
  {report, signal, jobs, withJournal = without, withBlockCache = without}: Ports,
): Promise<PushedLayer> {
  report({kind: 'step', step: 'pack and push', on})
  const onProgress = (done: number) => report({kind: 'bytes', done})
  const put = async (journal?: UploadJournal, cache?: BlockCache) => {
    const source = packLayer(entries, {...format, jobs, cache, buffers, onProgress})
    const blob = await store.putBlob(source, {signal, journal, isNew: true})
    return {...blob, content: source.content()}
  }
  const {digest, size, written, content} = packing
    ? await withJournal([store.name, ...packing], (journal) =>
        withBlockCache(packing, (cache) => put(journal, cache)),
      )
    : await put()
  return {
    layer: {descriptor: {mediaType, digest, size}, diffId: content.diffId},
    content,
    uploaded: written,
  }
}

/** Stands for what remembers, where nothing does. */
function without<T>(_: readonly string[], work: (memory: undefined) => Promise<T>): Promise<T> {
  return work(undefined)
}
