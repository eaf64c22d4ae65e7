import {newLayerType} from '../../image/family.js'
import type {Image, NumberedLayer} from '../../image/image.js'
import type {CarriedSlot} from '../../image/follow/carry-slots.js'
import {gzipped, layerTar} from '../../layer/pack/recompress.js'
import {planRepack, type RepackPlan, repackedTar} from '../../layer/pack/repack.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import {createDigester, type Digest} from '../../oci/digest.js'
import {layerCompression} from '../../oci/media-type.js'
import {formatTime, parseTime} from '../../oci/time.js'
import type {ByteStream, ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'

/** A slot for another image. */
export interface RecomputedSlot {
  readonly slot: CarriedSlot
  /** Layers that had to be packed again; in a dry run, that would have to be. */
  readonly repacked: number
}

/** How the entries of a layer change; `undefined`: not at all. */
export type LayerChange = ((entries: Iterable<WalkedEntry>) => Iterable<WalkedEntry>) | undefined

/**
 * The slot with its layers packed again from their own content, streamed, where `changeOf` changes
 * their entries. The slot is as new as its newest file. Throws what reading layers throws.
 */
export async function repackSlot(
  store: ContentStore,
  slot: CarriedSlot,
  {
    changeOf,
    onto,
    dryRun,
  }: {
    readonly changeOf: (position: number) => LayerChange
    readonly onto: Image
    readonly dryRun: boolean
  },
  ports: Ports,
): Promise<RecomputedSlot> {
  let repacked = 0
  let newest = -Infinity
  const changed: NumberedLayer[] = []
  for (const [at, layer] of slot.layers.entries()) {
    const change = changeOf(at)
    const plan =
      change && (await planRepack(await tarOf(store, layer, ports), change, ports.signal))
    if (plan) {
      repacked++
      newest = Math.max(newest, plan.newestMtime)
    }
    changed.push(plan && !dryRun ? await repack(store, layer, {plan, onto}, ports) : layer)
  }
  if (repacked === 0) return {slot, repacked}
  // no file in the slot is newer
  const isNewer = newest > (parseTime(slot.created) ?? -Infinity)
  const created = isNewer ? formatTime(newest) : slot.created
  return {slot: {...slot, layers: changed, created}, repacked}
}

async function tarOf(
  store: ContentStore,
  {descriptor, diffId, number}: NumberedLayer,
  {signal}: Pick<Ports, 'signal'>,
): Promise<ByteStream> {
  const {mediaType, digest} = descriptor
  const blob = await store.openBlob(descriptor, {signal})
  return layerTar(blob, {mediaType, diffId, place: {number, digest}})
}

/** Sends the new layer, compressed as it was, but with gzip instead of zstd. */
async function repack(
  store: ContentStore,
  layer: NumberedLayer,
  {plan, onto}: {readonly plan: RepackPlan; readonly onto: Image},
  ports: Ports,
): Promise<NumberedLayer> {
  const {signal, report} = ports
  report({kind: 'step', step: 'pack and push', on: `layer ${layer.descriptor.digest}`})
  const isPlain = layerCompression(layer.descriptor.mediaType) === 'none'
  let diffId: Digest | undefined
  const tar = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const digester = createDigester()
    for await (const chunk of repackedTar(await tarOf(store, layer, ports), plan, signal)) {
      digester.update(chunk)
      yield chunk
    }
    diffId = digester.digest()
  }
  const open = () => (isPlain ? tar() : gzipped(tar(), signal))
  const {digest, size} = await store.putBlob({open}, {signal, isNew: true})
  if (diffId === undefined) throw new TypeError('a layer that was not read to its end')
  const mediaType = newLayerType(onto, isPlain ? 'none' : 'gzip')
  return {...layer, descriptor: {mediaType, digest, size}, diffId}
}
