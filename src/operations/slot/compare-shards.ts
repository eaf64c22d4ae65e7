import {availableParallelism} from 'node:os'
import type {Layer} from '../../image/image.js'
import {createBlockBuffers} from '../../layer/compress/blocks.js'
import {layerThreads} from '../../layer/pack/layer-threads.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {createShardComparer} from './compare-shard.js'
import {shardedFacts, type SlotFacts} from './content.js'
import {type Claims, falseClaims} from './false-claims.js'
import {type IsStanding, type KnownLayer, presenceOf} from './known-layers.js'
import {partsOf, type ShardedContent} from './shard-parts.js'
import {reportOnce, summed} from './shard-progress.js'

export interface CompareShardsOptions extends LayerFormat {
  readonly known: readonly KnownLayer[]
  readonly isStanding: IsStanding
  /** Names the content in progress reports. */
  readonly on: string
  readonly packing?: readonly string[] | undefined
}

/**
 * The result of a comparison: the known layer for each shard, `undefined` for a shard that is new.
 */
export interface ComparedShards {
  readonly layers: readonly (Layer | undefined)[]
  readonly content: SlotFacts
}

/** Hashes each layer without storing anything. Throws what fails in the lowest one. */
export async function compareShards(
  store: ContentStore,
  sharded: ShardedContent,
  options: CompareShardsOptions,
  ports: Ports,
): Promise<ComparedShards> {
  const {known, packing, on} = options
  const begin = reportOnce(ports, {kind: 'step', step: 'compare', on})
  const presence = presenceOf(store, known, ports.signal)
  const {memory, plan} = sharded
  const buffers = createBlockBuffers()
  const {jobs = availableParallelism()} = ports
  const threads = layerThreads(jobs, 'rows')
  const how = {memory, packing, begin, buffers, threads, jobs}
  const comparer = createShardComparer({known, presence, ...how})
  const quiet = summed(ports)
  const layers: (Layer | undefined)[] = []
  const claims: Claims = new Map()
  let tarSize = 0
  const compared = mapAhead(
    partsOf(sharded, ports),
    async (part, {signal}) => {
      const found = await comparer.compare(part, quiet(), signal)
      part.release()
      return found
    },
    comparer.width,
  )
  try {
    for await (const {content, layer} of compared) {
      tarSize += content.tarSize
      if (layer && !layer.own) claims.set(layers.length, layer)
      layers.push(layer)
    }
  } finally {
    await Promise.all([threads.close(), comparer.close()])
  }
  for await (const {number, release} of falseClaims(sharded, {...options, claims, layers}, ports)) {
    release()
    layers[number] = undefined
  }
  return {layers, content: shardedFacts(plan, tarSize)}
}
