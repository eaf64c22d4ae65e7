import {isDeepStrictEqual} from 'node:util'
import type {CarriedSlot} from '../../image/follow/carry-slots.js'
import {newLayerType} from '../../image/family.js'
import type {Image, NumberedLayer} from '../../image/image.js'
import type {ByteString} from '../../layer/byte-string.js'
import type {EntryMetadata} from '../../layer/entry.js'
import {findPaths, parentsOf} from '../../layer/pack/base-directories.js'
import {type Followed, followLinks, throughLinks} from '../../layer/pack/follow-links.js'
import type {LayerIndex} from '../../layer/contents/layer-index.js'
import {withBaseDirectories, withoutBaseDirectories} from '../../layer/pack/parents.js'
import {gzipped, layerTar, zstdFrames} from '../../layer/pack/recompress.js'
import {planRepack, type RepackPlan, repackedTar} from '../../layer/pack/repack.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import {createDigester, type Digest} from '../../oci/digest.js'
import {layerCompression} from '../../oci/media-type.js'
import {formatTime, parseTime} from '../../oci/time.js'
import type {ByteStream, ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {baseLayers, type BaseLayers} from '../slot/base-layers.js'

/** What a slot takes from its image: metadata of directories, and the targets of links. */
interface TakenFromBase {
  readonly directories: ReadonlyMap<ByteString, EntryMetadata>
  readonly links: ReadonlyMap<ByteString, ByteString>
  readonly followed: Followed
}

/** A slot for another image. */
export interface RecomputedSlot {
  readonly slot: CarriedSlot
  /** Layers that had to be packed again; in a dry run, that would have to be. */
  readonly repacked: number
}

/**
 * The slot for `onto`: when its directories are those of the image (`--parents base` and `omit`),
 * and those of the new image differ, its layers are packed again from their own content, streamed.
 * Throws what `followLinks` and reading layers throw.
 */
export async function recomputeParents(
  store: ContentStore,
  slot: CarriedSlot,
  {onto, layers, dryRun}: {onto: Image; layers: BaseLayers; dryRun: boolean},
  ports: Ports,
): Promise<RecomputedSlot> {
  const same = {slot, repacked: 0}
  if (slot.parents !== 'base' && slot.parents !== 'omit') return same
  const indexes: LayerIndex[] = []
  for (const layer of slot.layers) indexes.push((await layers.read(layer)) ?? [])
  const taken = await takenFrom(onto, indexes, layers)
  const change = changeFor(slot, taken)
  let repacked = 0
  let newest = -Infinity
  const changed: NumberedLayer[] = []
  for (const [at, layer] of slot.layers.entries()) {
    const plan = mayDiffer(indexes[at] ?? [], slot, taken)
      ? await planRepack(await tarOf(store, layer, ports), change, ports.signal)
      : undefined
    if (plan) {
      repacked++
      newest = Math.max(newest, plan.newestMtime)
    }
    changed.push(plan && !dryRun ? await repack(store, layer, {plan, onto}, ports) : layer)
  }
  if (repacked === 0) return same
  // no file in the slot is newer
  const isNewer = newest > (parseTime(slot.created) ?? -Infinity)
  const created = isNewer ? formatTime(newest) : slot.created
  return {slot: {...slot, layers: changed, created}, repacked}
}

async function takenFrom(
  onto: Image,
  indexes: readonly LayerIndex[],
  layers: BaseLayers,
): Promise<TakenFromBase> {
  const wanted = new Set<ByteString>()
  for (const {path, kind} of indexes.flat()) {
    if (kind === 'directory') wanted.add(path)
    for (const parent of parentsOf(path)) wanted.add(parent)
  }
  const newestFirst = baseLayers(onto, undefined)
  const {paths, followed} = await followLinks(wanted, (asked) =>
    findPaths(newestFirst, asked, (layer) => layers.read(layer)),
  )
  return {directories: paths.directories, links: paths.links, followed}
}

/** The same steps as those of an update. */
function changeFor({parents}: CarriedSlot, {directories, followed}: TakenFromBase) {
  return (entries: Iterable<WalkedEntry>): Iterable<WalkedEntry> => {
    const placed = followed.size === 0 ? entries : throughLinks(entries, followed, directories)
    return parents === 'base'
      ? withBaseDirectories(placed, directories)
      : withoutBaseDirectories(placed, directories)
  }
}

/** Whether any of its directories differs from the image's, without reading the layer. */
function mayDiffer(index: LayerIndex, {parents}: CarriedSlot, taken: TakenFromBase): boolean {
  if (taken.followed.size > 0) return true
  return index.some((entry) => {
    const own = entry.kind === 'directory' ? taken.directories.get(entry.path) : undefined
    if (!own || entry.kind !== 'directory') return false
    return parents === 'omit' || !isSameDirectory(entry, own)
  })
}

function isSameDirectory(a: EntryMetadata, b: EntryMetadata): boolean {
  const [one, other] = [a, b].map(({mode, uid, gid, mtime, xattrs}) => {
    return {mode, uid, gid, mtime, xattrs: [...(xattrs ?? [])].map(([k, v]) => [k, [...v]])}
  })
  return isDeepStrictEqual(one, other)
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

const compressed = {none: (tar: ByteStream) => tar, gzip: gzipped, zstd: zstdFrames}

/** Sends the layer again, compressed in the same format. */
async function repack(
  store: ContentStore,
  layer: NumberedLayer,
  {plan, onto}: {readonly plan: RepackPlan; readonly onto: Image},
  ports: Ports,
): Promise<NumberedLayer> {
  const {signal, report} = ports
  report({kind: 'step', step: 'pack and push', on: `layer ${layer.descriptor.digest}`})
  const compression = layerCompression(layer.descriptor.mediaType) ?? 'gzip'
  const mediaType = newLayerType(onto, compression)
  let diffId: Digest | undefined
  const tar = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const digester = createDigester()
    for await (const chunk of repackedTar(await tarOf(store, layer, ports), plan, signal)) {
      digester.update(chunk)
      yield chunk
    }
    diffId = digester.digest()
  }
  const open = () => compressed[compression](tar(), signal)
  const {digest, size} = await store.putBlob({open}, {signal, isNew: true})
  if (diffId === undefined) throw new TypeError('a layer that was not read to its end')
  return {...layer, descriptor: {mediaType, digest, size}, diffId}
}
