import type {Layer} from '../../image/image.js'
import type {BlockBuffers} from '../../layer/compress/blocks.js'
import type {BlockCache} from '../../layer/compress/block-cache.js'
import {type LayerFormat, type LayerSource, packLayer} from '../../layer/pack/pack.js'
import type {LayerThreads} from '../../layer/pack/layer-threads.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {ContentStore} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {WithJournal} from '../../store/upload-journal.js'
import type {Ports} from '../../ports.js'

export interface PushedLayer {
  readonly layer: Layer
  readonly content: PackedContent
  readonly uploaded: boolean
}

/** What is known of a packed layer besides its blob. */
interface DescribedContent {
  readonly content: PackedContent
  readonly annotations: Readonly<Record<string, string>> | undefined
}

/**
 * Packs the entries and stores the blob, in one streaming pass. `mediaType` is that of a layer with
 * this compression; `on` names the content in progress reports. With `packing`, which describes
 * what is packed and how, another run can resume where this one is killed.
 */
export async function pushLayer(
  store: ContentStore,
  entries: Entries,
  {
    mediaType,
    on,
    packing,
    buffers,
    threads,
    onPacked,
    ...format
  }: LayerFormat & {
    readonly mediaType: string
    readonly on: string
    readonly packing?: readonly string[] | undefined
    readonly buffers?: BlockBuffers | undefined
    readonly threads?: LayerThreads | undefined
    /** Called with the layer once it is packed, if that is before it is stored. */
    readonly onPacked?: ((packed: Omit<PushedLayer, 'uploaded'>) => void) | undefined
  },
  ports: Ports,
): Promise<PushedLayer> {
  const {report, signal, jobs, withJournal, withBlockCache = without} = ports
  report({kind: 'step', step: 'pack and push', on})
  const onProgress = (done: number) => report({kind: 'bytes', done})
  const journal: WithJournal | undefined =
    packing && withJournal && ((work) => withJournal([store.name, ...packing], work))
  const put = async (cache?: BlockCache) => {
    const source = packLayer(entries, {...format, jobs, cache, buffers, threads, onProgress})
    const onRead = (blob: BlobInfo): void => onPacked?.(packed(blob, source))
    const blob = await store.putBlob(source, {signal, withJournal: journal, isNew: true, onRead})
    const obstacle = source.obstacle()
    if (obstacle !== undefined) report({kind: 'warning', message: noTable(on, obstacle)})
    return {...packed(blob, source), uploaded: blob.written}
  }
  const described = ({digest, size}: BlobInfo, {content, annotations}: DescribedContent) => {
    const descriptor = {mediaType, digest, size, ...(annotations && {annotations})}
    return {layer: {descriptor, diffId: content.diffId}, content}
  }
  const packed = (blob: BlobInfo, source: LayerSource) =>
    described(blob, {content: source.content(), annotations: source.annotations()})
  if (packing && ports.sharedLayers) {
    const source = () => packLayer(entries, {...format, jobs, buffers, threads, onProgress})
    const shared = await ports.sharedLayers.store(packing, source, {signal})
    const pushed = described(shared.blob, shared)
    onPacked?.(pushed)
    return {...pushed, uploaded: shared.uploaded}
  }
  return packing ? withBlockCache(packing, put) : put()
}

function noTable(on: string, obstacle: string): string {
  return `the layer of ${on} has no table of contents, so clients fetch all of it: ${obstacle}`
}

/** Used when no blocks are kept. */
function without<T>(_: readonly string[], work: (memory: undefined) => Promise<T>): Promise<T> {
  return work(undefined)
}
