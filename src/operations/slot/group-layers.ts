import type {Layer} from '../../image/image.js'
import {countShards, type ShardPlan} from '../../layer/shards/divide.js'
import type {ContentStore, TagMove} from '../../store/content-store.js'
import type {IndexTarget} from '../find/index-targets.js'
import {compare} from './compare.js'
import {alike, type KnownLayer, layersAt, layersIn} from './known-layers.js'
import type {FramedEntries} from './layer-entries.js'
import type {Ports} from '../../ports.js'
import {pushLayer} from './push-layer.js'
import {asContent, type SentLayers, type SlotFacts} from './content.js'
import {compareShards, storeShards} from './store-shards.js'
import type {FormatOptions} from '../find/suitable-image.js'

/** What is to be put into images that get the same layers. */
export interface GroupContent extends FramedEntries {
  /** For whoever watches. */
  readonly on: string
  /** By which a later run knows that it may go on where this one was killed. */
  readonly packing?: readonly string[]
  /** How the content is divided; `undefined`: it is one layer. */
  readonly plan: ShardPlan | undefined
}

export interface GroupOptions extends Pick<FormatOptions, 'compression' | 'level'> {
  readonly name: string
  /** Images that the tags name now may have the layers already. */
  readonly moves: readonly TagMove[]
  readonly dryRun: boolean
}

/** The layers of a group. */
export interface GroupLayers {
  /** Lowest first; unknown in a dry run that would have to pack. */
  readonly layers: readonly Layer[] | undefined
  /** How many they are, or would be. */
  readonly count: number
  readonly content: Partial<SlotFacts> | undefined
  readonly uploaded: boolean
  readonly sent: SentLayers
}

/**
 * The layers that hold the content for a group of images of an index: those that are there already,
 * and new ones. In a dry run nothing is stored.
 */
export async function storeGroupLayers(
  store: ContentStore,
  group: readonly IndexTarget[],
  {plan, ...content}: GroupContent,
  {name, moves, dryRun, compression, level}: GroupOptions,
  ports: Ports,
): Promise<GroupLayers> {
  const {entries, on, packing} = content
  const own = ownLayers(group)
  const isOne = own.length > 0 && own.every((layer) => layer.own)
  if (!isOne) own.push(...(await layersAt(store, moves, name, ports.signal)))
  const known = alike(own, plan !== undefined)
  // the media type is each image's own
  const how = {mediaType: '', compression, level, on, packing}
  if (plan) {
    const count = countShards(plan)
    if (!dryRun)
      return {count, ...(await storeShards(store, {...content, plan}, {...how, known}, ports))}
    const compared = await compareShards(store, {...content, plan}, {...how, known}, ports)
    const found = compared.layers.filter((layer) => layer !== undefined)
    const sent = {count: count - found.length, bytes: found.length === count ? 0 : undefined}
    const layers = found.length === count ? found : undefined
    return {layers, count, content: compared.content, uploaded: false, sent}
  }
  const compared = await compare(
    store,
    known,
    entries,
    {exhaustive: dryRun, compression, level, on},
    ports,
  )
  if (compared.layer && compared.content)
    return {count: 1, ...asContent(compared.layer, compared.content, false)}
  if (dryRun) {
    const sent = {count: 1, bytes: undefined}
    return {layers: undefined, count: 1, content: compared.content, uploaded: false, sent}
  }
  const {layer, content: packed, uploaded} = await pushLayer(store, entries, how, ports)
  return {count: 1, ...asContent(layer, packed, uploaded)}
}

/**
 * What one image says of its layers, another one cannot vouch for: `own` are those that all of them
 * have.
 */
function ownLayers(group: readonly IndexTarget[]): KnownLayer[] {
  const found = new Map<string, {layer: KnownLayer; images: number}>()
  for (const {slot} of group) {
    for (const layer of layersIn(slot, true)) {
      const key = `${layer.diffId} ${layer.descriptor.digest}`
      found.set(key, {layer, images: (found.get(key)?.images ?? 0) + 1})
    }
  }
  return [...found.values()].map(({layer, images}) => ({...layer, own: images === group.length}))
}
