import {availableParallelism} from 'node:os'
import type {Layer} from '../../image/image.js'
import {createBlockBuffers} from '../../layer/compress/blocks.js'
import {hashHeld} from '../../layer/pack/hash-held.js'
import {hashLayer} from '../../layer/pack/hash-layer.js'
import type {LayerFormat} from '../../layer/pack/pack.js'
import {type LayerThreads, layerThreads} from '../../layer/pack/layer-threads.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {ContentStore} from '../../store/content-store.js'
import {countShards} from '../../layer/shards/shard-plan.js'
import type {LayerLook} from '../../layer/tree/division.js'
import {mapAhead} from '../../stream/map-ahead.js'
import {
  createPresence,
  dryPack,
  isBlobOf,
  type IsStanding,
  type KnownLayer,
  type Presence,
} from './known-layers.js'
import type {Ports} from '../../ports.js'
import {pushLayer} from './push-layer.js'
import type {StoredContent} from './content.js'
import {createShardHash, type ShardHash} from './shard-hash.js'
import {type Part, partsOf, type ShardedContent} from './shard-parts.js'
import type {SlotMemory} from './slot-memory.js'

/** One layer is processed while the next one is found: packing already uses all of the machine. */
const ahead = 2

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
 * The result of a comparison: the known layer for each shard, `undefined` for a shard that is new.
 */
export interface ComparedShards {
  readonly layers: readonly (Layer | undefined)[]
  readonly content: StoredContent['content']
}

/** Hashes each layer without storing anything. */
export async function compareShards(
  store: ContentStore,
  sharded: ShardedContent,
  options: Omit<StoreShardsOptions, 'mediaType'>,
  ports: Ports,
): Promise<ComparedShards> {
  const begin = once(() => ports.report({kind: 'step', step: 'compare', on: options.on}))
  const layers: (Layer | undefined)[] = []
  let tarSize = 0
  const quiet = summed(ports)
  const hashes = createShardHash(jobsOf(ports), createBlockBuffers())
  const presence = presenceOf(store, options.known, ports)
  const threads = layerThreads(jobsOf(ports))
  const how = {hashes, threads, presence, begin, memory: sharded.memory}
  const claims: Claims = new Map()
  try {
    for (const part of partsOf(sharded, ports)) {
      const {content, layer} = await compareShard(part, {...options, ...how}, quiet())
      tarSize += content.tarSize
      layers.push(layer)
      if (layer && !layer.own) claims.set(part.number, layer)
    }
  } finally {
    await Promise.all([threads.close(), hashes.close()])
  }
  for await (const {number} of falseClaims(sharded, {...options, claims, layers}, ports))
    layers[number] = undefined
  return {layers, content: contentOf(sharded, tarSize)}
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
  const begin = once(() => ports.report({kind: 'step', step: 'pack and push', on}))
  const quiet = summed(ports)
  const buffers = createBlockBuffers()
  const threads = layerThreads(jobsOf(ports))
  const hashes = createShardHash(jobsOf(ports), buffers)
  const presence = options.restores === true ? takenForThere : presenceOf(store, known, ports)
  const how = {hashes, threads, presence, begin, memory: sharded.memory}
  const claims: Claims = new Map()
  const stored = mapAhead(
    partsOf(sharded, ports),
    inTurn(async (part: Part) => {
      const own = quiet()
      const {content, layer} = isNew(part, known)
        ? {content: undefined, layer: undefined}
        : await compareShard(part, {...options, ...how}, own)
      const look = part.look ?? content?.look
      if (content && layer) {
        if (!layer.own) claims.set(part.number, layer)
        return {content, layer, look, uploaded: false, isKnown: true}
      }
      begin()
      const format = {...packingOf(part, options), buffers, threads}
      const pushed = await pushLayer(store, part.entries, format, own)
      sharded.memory?.remember(pushed.content)
      return {...pushed, look: pushed.content.look, isKnown: false}
    }),
    ahead,
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
    await Promise.all([threads.close(), hashes.close()])
  }
  for await (const part of falseClaims(sharded, {...options, claims, layers}, ports)) {
    begin()
    const {layer, uploaded} = await pushLayer(store, part.entries, packingOf(part, options), ports)
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
  return {layers, content: contentOf(sharded, tarSize), uploaded, sent: {count, bytes}}
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
    if (there[part.number] === true) continue
    const again = await pushLayer(store, part.entries, packingOf(part, options), ports)
    if (again.layer.descriptor.digest !== layer.descriptor.digest) return restored
    restored.push(layer)
  }
  return restored
}

function jobsOf({jobs = availableParallelism()}: Pick<Ports, 'jobs'>): number {
  return jobs
}

const takenForThere: Presence = () => Promise.resolve(true)

function presenceOf(store: ContentStore, known: readonly KnownLayer[], {signal}: Ports): Presence {
  const own = known.filter((layer) => layer.own)
  return createPresence(store, own, signal)
}

/**
 * Whether a layer is certainly not one of `known`: no layer is known, or something in it is newer
 * than everything in them. It is not read to be compared then, because packing reads it.
 */
function isNew({recalled, newest}: Part, known: readonly KnownLayer[]): boolean {
  if (known.length === 0) return true
  const latest = Math.max(...known.map((layer) => layer.newest ?? Infinity))
  return !recalled && newest !== undefined && latest < Infinity && newest() > latest
}

async function compareShard(
  {entries, recalled, number}: Part,
  {
    known,
    hashes,
    threads,
    presence,
    memory,
    begin,
    packing,
    ...format
  }: Pick<StoreShardsOptions, 'known' | 'packing' | keyof LayerFormat> & {
    readonly hashes: ShardHash
    readonly threads: LayerThreads
    readonly presence: Presence
    readonly memory: SlotMemory | undefined
    /** Called before the layer is read. */
    readonly begin: () => void
  },
  ports: Ports,
): Promise<{readonly content: PackedContent; readonly layer: KnownLayer | undefined}> {
  const {signal, report} = ports
  const onProgress = (done: number): void => report({kind: 'bytes', done})
  const {sharedLayers} = ports
  const content =
    recalled ??
    (sharedLayers && packing
      ? await sharedLayers.content([...packing, `layer ${number}`], hash)
      : await hash())
  const same = known.filter(({diffId}) => diffId === content.diffId)
  const layer = same.find(({own}) => own) ?? same[0]
  const isThere = layer && (await presence(layer))
  return {content, layer: isThere === true ? layer : undefined}

  async function hash(): Promise<PackedContent> {
    begin()
    const call = {signal, onProgress}
    const hashed =
      (await hashHeld(entries, {...format, ...call, threads})) ??
      (await hashLayer(entries, {...call, hash: await hashes.next()}))
    if (!hashed) throw new Error('hashing without a limit came to one')
    memory?.remember(hashed)
    return hashed
  }
}

/** By number: layers with the right diff ID of which only another image says what is in them. */
type Claims = Map<number, KnownLayer>

/**
 * The parts for which a claimed layer is not what they pack to. Nothing is packed if the tags name
 * the result of all layers already.
 */
async function* falseClaims(
  sharded: ShardedContent,
  {
    claims,
    layers,
    isStanding,
    compression,
    level,
  }: Pick<StoreShardsOptions, 'isStanding' | keyof LayerFormat> & {
    readonly claims: Claims
    readonly layers: readonly (Layer | undefined)[]
  },
  ports: Ports,
): AsyncGenerator<Part> {
  if (claims.size === 0) return
  const found = layers.filter((layer) => layer !== undefined)
  if (found.length === layers.length && isStanding(found, sharded.plan)) return
  const quiet = summed(ports)
  for (const part of partsOf(sharded, ports)) {
    const layer = claims.get(part.number)
    if (!layer) continue
    const packed = await dryPack(part.entries, {compression, level}, quiet())
    if (!isBlobOf(layer, packed)) yield part
  }
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

function contentOf({plan}: ShardedContent, tarSize: number): StoredContent['content'] {
  const {entries, newestMtime} = plan
  return {diffId: undefined, tarSize, entries, newestMtime}
}

/** Looks of entries that are not those of the walk are of no use for the next run. */
function keepLooks({plan, frame}: ShardedContent, looks: readonly LayerLook[]): void {
  if (!frame && looks.length === countShards(plan)) plan.kept?.keep(looks)
}

/** The same work, of one after the other; after one that failed, of none. */
function inTurn<T, R>(work: (element: T) => Promise<R>): (element: T) => Promise<R> {
  let last: Promise<unknown> = Promise.resolve()
  return (element) => {
    const result = last.then(() => work(element))
    last = result
    return result
  }
}

function once(call: () => void): () => void {
  let isCalled = false
  return () => {
    if (!isCalled) call()
    isCalled = true
  }
}

/** Ports for parts of one step; their progress is added up. */
function summed(ports: Ports): () => Ports {
  let total = 0
  return () => {
    let before = 0
    return {
      ...ports,
      report(event) {
        if (event.kind === 'step') before = 0
        else if (event.kind !== 'bytes') ports.report(event)
        else {
          total += Math.max(0, event.done - before)
          before = event.done
          ports.report({kind: 'bytes', done: total})
        }
      },
    }
  }
}
