import {existsSync, realpathSync} from 'node:fs'
import {join} from 'node:path'
import type {Image} from '../../image/image.js'
import type {Slot} from '../../image/slot.js'
import type {LayerMemory, RememberedLayer} from '../../layer/memory/memory.js'
import {divide, placeEach, type Shard} from '../../layer/shards/divide.js'
import {countShards, type ShardPlan} from '../../layer/shards/shard-plan.js'
import {ignoreFileName} from '../../layer/tree/ignore-rules.js'
import {createLayerLooker, lookOf} from '../../layer/tree/layer-look.js'
import {treeEntries} from '../../layer/tree/walk-tree.js'
import type {Entries, LayerLook} from '../../layer/tree/walked-entry.js'
import type {KeptLayer, KeptLayers} from '../../layer/unpack/take-over.js'
import {InjectError} from '../../errors.js'
import type {Digest} from '../../oci/digest.js'
import type {Ports} from '../../ports.js'
import {planSharding} from './sharding.js'

/** More entries are not looked for: they would be held in memory. */
const mostEntries = 500_000

/** A directory, and the slot whose content it gets. */
export interface KeptLayersOptions {
  readonly directory: string
  readonly image: Image
  readonly slot: Slot
}

/**
 * The layers of a slot that are in a directory already, by the look of its files: what `update`
 * would recognize. `undefined` if nothing is remembered of it, or where layers hold more than the
 * directory's own entries. Never throws what the directory is like.
 */
export async function keptLayers(
  {directory, image, slot}: KeptLayersOptions,
  {openMemory}: Pick<Ports, 'openMemory'>,
): Promise<KeptLayers | undefined> {
  const isPlain = (slot.parents ?? 'dir') === 'dir' && slot.merges.length === 0
  const path = isPlain && image.config.value.os !== 'windows' ? realPath(directory) : undefined
  if (path === undefined || existsSync(join(path, ignoreFileName))) return undefined
  const memory = await openMemory?.({directory: path, slot: slot.name})
  if (!memory || !slot.layers.some(({diffId}) => memory.knows(diffId))) return undefined
  try {
    const tree = {directory: path, path: slot.path, exclude: [], whiteouts: true}
    const walk = treeEntries({tree, onWarning: () => undefined})
    const entries: Entries = () => walk('states')
    const plan = planSharding(walk, [{image, slot}], undefined, () => undefined)
    return plan ? dividedLayers(entries, plan, memory) : oneLayer(entries, memory)
  } catch (error) {
    // a directory that cannot be read, or changes meanwhile, is replaced as any other one
    if (error instanceof InjectError) return undefined
    throw error
  }
}

function oneLayer(entries: Entries, memory: LayerMemory): KeptLayers {
  const look = lookOf(entries())
  const found = memory.recall(look)
  return {
    take: (diffId) => (found?.diffId === diffId ? keptLayer(entries(), look, found) : undefined),
  }
}

/** The layers in one walk; another one gives their entries. */
function dividedLayers(
  entries: Entries,
  plan: ShardPlan,
  memory: LayerMemory,
): KeptLayers | undefined {
  if (plan.entries > mostEntries) return undefined
  const lookers = Array.from({length: countShards(plan)}, createLayerLooker)
  placeEach(entries, plan, (shard, {entry, file}) => {
    lookers[shard]?.add(entry)
    if (file) lookers[shard]?.addFile(file)
  })
  const recalled = new Map<Digest, {number: number; look: LayerLook; found: RememberedLayer}>()
  for (const [number, looker] of lookers.entries()) {
    const look = looker.look()
    const found = memory.recall(look)
    if (found) recalled.set(found.diffId, {number, look, found})
  }
  const shards = divide(entries, plan)
  let last: Shard | undefined

  const shardOf = (number: number): Shard | undefined => {
    while (last === undefined || last.number < number) {
      const next = shards.next()
      if (next.done === true) return undefined
      last = next.value
    }
    // layers of another order are fetched
    return last.number === number ? last : undefined
  }
  return {
    take(diffId) {
      const layer = recalled.get(diffId)
      const shard = layer && shardOf(layer.number)
      return shard && keptLayer(shard.entries(), layer.look, layer.found)
    },
  }
}

function keptLayer(
  walked: KeptLayer['walked'],
  look: LayerLook,
  {tarSize, entries, newestMtime}: RememberedLayer,
): KeptLayer {
  return {walked, look, tarSize, entries, newestMtime}
}

/** `undefined` for one that is not there, or cannot be found. */
function realPath(directory: string): string | undefined {
  try {
    return realpathSync(directory)
  } catch {
    return undefined
  }
}
