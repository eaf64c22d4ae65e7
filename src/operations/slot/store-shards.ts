import {availableParallelism} from 'node:os'
import type {Layer} from '../../image/image.js'
import {createBlockBuffers} from '../../layer/compress/blocks.js'
import {layerThreads} from '../../layer/pack/layer-threads.js'
import {codecOf, type LayerFormat} from '../../layer/pack/pack.js'
import {countShards} from '../../layer/shards/shard-plan.js'
import type {LayerLook} from '../../layer/tree/division.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {bytesToPack} from './bytes-to-pack.js'
import {createShardComparer} from './compare-shard.js'
import {shardedFacts, type StoredContent} from './content.js'
import {type Claims, falseClaims} from './false-claims.js'
import {
  createPresence,
  type IsStanding,
  type KnownLayer,
  type Presence,
  presenceOf,
} from './known-layers.js'
import {pushLayer} from './push-layer.js'
import {type Part, partsOf, type ShardedContent} from './shard-parts.js'
import {reportOnce, summed} from './shard-progress.js'

/** One layer is packed while the next one is found: packing already uses all of the machine. */
const packedAhead = 2

/** How each layer is packed. */
export interface PackShardOptions extends LayerFormat {
  readonly mediaType: string
  /** Names the content in progress reports. */
  readonly on: string
  /** A later run compares it to know whether it can resume where this one was killed. */
  readonly packing?: readonly string[] | undefined
}

export interface StoreShardsOptions extends PackShardOptions {
  /** Layers that need not be stored again. */
  readonly known: readonly KnownLayer[]
  readonly isStanding: IsStanding
  /**
   * Assume that the store has the layers of the targets, because publishing restores lost ones;
   * they are checked only if nothing else changes.
   */
  readonly restores?: boolean | undefined
}

/**
 * Stores the layers of a slot, lowest first. A known layer is found by its diff ID, and is neither
 * compressed nor sent; when no layer is known, nothing is hashed beforehand. Throws what `divide`,
 * packing and storing throw; layers that were stored by then are unreferenced and harmless.
 */
export async function storeShards(
  store: ContentStore,
  sharded: ShardedContent,
  options: StoreShardsOptions,
  ports: Ports,
): Promise<StoredContent> {
  const {known, on} = options
  const layers: Layer[] = []
  const looks: LayerLook[] = []
  let [tarSize, count, bytes] = [0, 0, 0]
  let isPacked = false
  const begin = reportOnce(ports, {kind: 'step', step: 'pack and push', on})
  const quiet = summed(ports)
  const buffers = createBlockBuffers()
  const {jobs = availableParallelism()} = ports
  const threads = layerThreads(jobs, 'rows')
  const presence =
    options.restores === true ? takenForThere : presenceOf(store, known, ports.signal)
  const {memory} = sharded
  const {packing} = options
  const how = {memory, packing, begin, buffers, threads, jobs}
  const comparer = createShardComparer({known, presence, ...how})
  const claims: Claims = new Map()
  const inTurn = createTurns()
  const codec = codecOf(options.compression, options.level)
  if (codec) await threads.prepare(codec, bytesToPack(sharded, known))
  const stored = mapAhead(
    partsOf(sharded, ports),
    (part, {signal}) => {
      const own = quiet()
      const comparison = isNew(part, known)
        ? Promise.resolve(undefined)
        : comparer.compare(part, own, signal)
      return inTurn(comparison, async (compared) => {
        const look = part.look ?? compared?.content.look
        if (compared?.layer) {
          const {content, layer} = compared
          if (!layer.own) claims.set(part.number, layer)
          part.release()
          return {content, layer, look, uploaded: false, isKnown: true}
        }
        begin()
        const format = {...packingOf(part, options), buffers, threads}
        const pushed = await pushLayer(store, part.entries, format, own)
        part.release()
        memory?.remember(pushed.content)
        return {...pushed, look: pushed.content.look, isKnown: false}
      })
    },
    known.length === 0 ? packedAhead : comparer.width,
  )
  try {
    for await (const {layer, content, look, uploaded, isKnown} of stored) {
      isPacked ||= !isKnown
      layers.push(layer)
      if (look) looks.push(look)
      tarSize += content.tarSize
      if (!uploaded) continue
      count++
      bytes += layer.descriptor.size
    }
  } finally {
    await Promise.all([threads.close(), comparer.close()])
  }
  for await (const part of falseClaims(sharded, {...options, claims, layers}, ports)) {
    begin()
    const {layer, uploaded} = await pushLayer(store, part.entries, packingOf(part, options), ports)
    part.release()
    isPacked = true
    layers[part.number] = layer
    if (!uploaded) continue
    count++
    bytes += layer.descriptor.size
  }
  keepLooks(sharded, looks)
  if (options.restores === true && !isPacked) {
    const restored = await restoreShards(store, sharded, {...options, layers}, ports)
    count = restored.length
    bytes = restored.reduce((sum, {descriptor}) => sum + descriptor.size, 0)
  }
  const uploaded = count > 0
  return {layers, content: shardedFacts(sharded.plan, tarSize), uploaded, sent: {count, bytes}}
}

/**
 * Packs and stores the `layers` again that the store has lost, and returns them: an empty list when
 * the store has all of them. It stops at the first layer that cannot be reproduced, because the
 * directory has changed or the layer was compressed by another tool.
 */
export async function restoreShards(
  store: ContentStore,
  sharded: ShardedContent,
  {layers, ...options}: PackShardOptions & {readonly layers: readonly Layer[]},
  ports: Ports,
): Promise<readonly Layer[]> {
  const there = await Promise.all(layers.map(createPresence(store, layers, ports.signal)))
  const restored: Layer[] = []
  if (there.every(Boolean)) return restored
  for (const part of partsOf(sharded, ports)) {
    const layer = layers[part.number]
    if (layer === undefined) return restored
    if (there[part.number] === true) {
      part.release()
      continue
    }
    const again = await pushLayer(store, part.entries, packingOf(part, options), ports)
    part.release()
    if (again.layer.descriptor.digest !== layer.descriptor.digest) return restored
    restored.push(layer)
  }
  return restored
}

const takenForThere: Presence = () => Promise.resolve(true)

/**
 * Whether a layer is certainly not one of `known`: no layer is known, or something in it is newer
 * than everything in them. It is not read to be compared then, because packing reads it.
 */
function isNew({recalled, newest}: Part, known: readonly KnownLayer[]): boolean {
  if (known.length === 0) return true
  const latest = Math.max(...known.map((layer) => layer.newest ?? Infinity))
  return !recalled && newest !== undefined && latest < Infinity && newest() > latest
}

function packingOf({number}: Part, options: PackShardOptions) {
  const {mediaType, compression, level, on, packing} = options
  return {
    mediaType,
    compression,
    level,
    on,
    ...(packing && {packing: [...packing, `layer ${number}`]}),
  }
}

/** Looks of entries that are not those of the walk are of no use for the next run. */
function keepLooks({plan, frame}: ShardedContent, looks: readonly LayerLook[]): void {
  if (!frame && looks.length === countShards(plan)) plan.kept?.keep(looks)
}

/**
 * Work on what was prepared, of one after the other. After one that failed the others fail, too,
 * once nothing prepares them any more.
 */
function createTurns() {
  let last: Promise<unknown> = Promise.resolve()
  return <T, R>(prepared: Promise<T>, work: (value: T) => Promise<R>): Promise<R> => {
    // it is awaited later; until then nothing handles its failure
    prepared.catch(() => undefined)
    const result = last.then(
      async () => work(await prepared),
      async (error: unknown) => {
        await prepared.catch(() => undefined)
        throw error
      },
    )
    last = result
    return result
  }
}
