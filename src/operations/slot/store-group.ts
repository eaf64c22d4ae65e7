import {newLayerType} from '../../image/family.js'
import type {Layer} from '../../image/image.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {asContent, type StoredContent} from './content.js'
import {type Group, packingOf} from './group.js'
import type {IsStanding, KnownLayer} from './known-layers.js'
import {type PushedLayer, pushLayer} from './push-layer.js'

export interface StoreGroupOptions extends LayerFormat {
  /** Layers that need not be stored again. */
  readonly known: readonly KnownLayer[]
  readonly isStanding: IsStanding
  /** See `StoreShardsOptions`. */
  readonly restores: boolean
  /** Called with the only layer once it is packed, if that is before it is stored. */
  readonly onPacked: (packed: Pick<PushedLayer, 'layer' | 'content'>) => void
}

/** Packs and pushes the layers of a group that the store lacks. */
export async function storeGroup(
  store: ContentStore,
  group: Group,
  options: StoreGroupOptions,
  ports: Ports,
): Promise<StoredContent> {
  const {content, shards} = group
  const {known, isStanding, restores, onPacked} = options
  const how = {...formatOf(group, options), packing: packingOf(content, shards)}
  if (shards) {
    const {storeShards} = await import('./store-shards.js')
    return storeShards(
      store,
      {...content, plan: shards},
      {...how, known, isStanding, restores},
      ports,
    )
  }
  const pushed = await pushLayer(store, content.entries, {...how, onPacked}, ports)
  content.memory?.remember(pushed.content)
  return asContent(pushed.layer, pushed.content, pushed.uploaded)
}

/**
 * Packs and pushes layers of a group again that the store has lost in the meantime. False when the
 * store has them, or the content has changed.
 */
export async function restoreGroup(
  store: ContentStore,
  group: Group,
  {layers, ...format}: LayerFormat & {readonly layers: readonly Layer[]},
  ports: Ports,
): Promise<boolean> {
  const {content, shards} = group
  const how = formatOf(group, format)
  if (shards) {
    const {restoreShards} = await import('./store-shards.js')
    const sharded = {...content, plan: shards}
    return (await restoreShards(store, sharded, {...how, layers}, ports)).length > 0
  }
  const digest = layers[0]?.descriptor.digest
  if (digest === undefined || (await store.statBlob(digest, {signal: ports.signal}))) return false
  const again = await pushLayer(store, content.entries, how, ports)
  return again.layer.descriptor.digest === digest
}

/**
 * How the layers are packed. The media type is that of the first image; each image sets its own.
 */
function formatOf({content, targets}: Group, {compression, level}: LayerFormat) {
  const [first] = targets
  const mediaType = first ? newLayerType(first.suitable, compression) : ''
  return {mediaType, compression, level, on: content.on}
}
