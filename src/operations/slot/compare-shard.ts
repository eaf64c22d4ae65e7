import type {BlockBuffers} from '../../layer/compress/blocks.js'
import {hashHeld} from '../../layer/pack/hash-held.js'
import type {LayerThreads} from '../../layer/pack/layer-threads.js'
import type {PackedContent} from '../../layer/pack/packed-content.js'
import type {Entries} from '../../layer/tree/walked-entry.js'
import type {Ports} from '../../ports.js'
import type {KnownLayer, Presence} from './known-layers.js'
import {createShardHash} from './shard-hash.js'
import type {Part} from './shard-parts.js'
import type {SlotMemory} from './slot-memory.js'

/** What one layer of a slot holds, and the known layer that it equals and that the store has. */
export interface ComparedShard {
  readonly content: PackedContent
  readonly layer: KnownLayer | undefined
}

/** Compares layers of a slot with known ones. */
export interface ShardComparer {
  /**
   * How many may be under way: four times as many as are hashed at once, so that a thread that is
   * done has another one to do while a lower one takes longer, or is packed and sent.
   */
  readonly width: number
  /**
   * Hashes the layer, unless it is recalled. `ending`: aborted when nobody waits for it any more.
   * Throws what hashing and the store throw, and the reason of the signals.
   */
  compare(part: Part, ports: Ports, ending: AbortSignal): Promise<ComparedShard>
  /** Ends the thread of layers that are not held. */
  close(): Promise<void>
}

export interface CompareShardOptions {
  readonly known: readonly KnownLayer[]
  readonly presence: Presence
  readonly memory: SlotMemory | undefined
  /** See `PackShardOptions`. */
  readonly packing?: readonly string[] | undefined
  /** Called before a layer is read. */
  readonly begin: () => void
  readonly buffers: BlockBuffers
  /** The caller's. */
  readonly threads: LayerThreads
  readonly jobs: number
}

export function createShardComparer({
  known,
  presence,
  memory,
  packing,
  begin,
  buffers,
  threads,
  jobs,
}: CompareShardOptions): ShardComparer {
  const hashes = createShardHash(jobs, buffers)
  let ready: Promise<void> | undefined

  return {
    width: 4 * Math.max(1, threads.mostHashed),
    async compare(part, ports, ending) {
      const content = part.recalled ?? (await contentOf(part, ports, ending))
      const same = known.filter(({diffId}) => diffId === content.diffId)
      const layer = same.find(({own}) => own) ?? same[0]
      const isThere = layer && (await presence(layer))
      return {content, layer: isThere === true ? layer : undefined}
    },
    close: () => hashes.close(),
  }

  /** Without a memory all layers are hashed, and the known ones tell how much there will be. */
  async function expectAll(): Promise<void> {
    if (memory?.isEmpty === false) return
    await threads.expect(known.reduce((sum, {descriptor}) => sum + descriptor.size, 0))
  }

  function contentOf(
    {entries, number}: Part,
    ports: Ports,
    ending: AbortSignal,
  ): Promise<PackedContent> {
    const {sharedLayers, signal} = ports
    if (!sharedLayers || !packing) return hash(entries, ports, AbortSignal.any([signal, ending]))
    // another image may wait for it, so it goes on
    const find = () => hash(entries, ports, signal)
    return sharedLayers.content([...packing, `layer ${number}`], find)
  }

  async function hash(
    entries: Entries,
    {report}: Ports,
    signal: AbortSignal,
  ): Promise<PackedContent> {
    signal.throwIfAborted()
    begin()
    await (ready ??= expectAll())
    const call = {signal, onProgress: (done: number) => report({kind: 'bytes', done})}
    const hashed =
      (await hashHeld(entries, {...call, threads})) ?? (await hashes.hash(entries, call))
    memory?.remember(hashed)
    return hashed
  }
}
