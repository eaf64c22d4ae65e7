import type {CarriedSlot} from '../../image/follow/carry-slots.js'
import type {Image} from '../../image/image.js'
import type {MergedFile} from '../../image/merge.js'
import {type ByteString, fromText} from '../../layer/byte-string.js'
import {notAsRecorded, oursIn} from '../../layer/merge/merge-bytes.js'
import {compareInTree, mergeEntries} from '../../layer/merge/merge-entries.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {createLayerFiles, type LayerFiles} from '../merge/layer-files.js'
import {mergeFile, type MergeResult} from '../merge/merge-file.js'
import {vendorDigest, vendorLayers} from '../merge/vendor-layers.js'
import type {BaseLayers} from '../slot/entries/base-layers.js'
import {type RecomputedSlot, repackSlot} from './repack-layer.js'

/**
 * The slot for `onto`: files that hold the vendor's part and ours are merged with those of the new
 * image, if these differ from the old ones. Throws what `LayerFiles` and `mergeFile` throw, and
 * `IntegrityError` (`ERR_INJECT_SLOT_MERGE_INVALID`) if the layer lacks a file that is recorded.
 */
export async function recomputeMerges(
  store: ContentStore,
  slot: CarriedSlot,
  {onto, layers, dryRun}: {onto: Image; layers: BaseLayers; dryRun: boolean},
  ports: Ports,
): Promise<RecomputedSlot> {
  if (slot.merges.length === 0) return {slot, repacked: 0}
  const files = createLayerFiles(store, layers, ports)
  const moved = await movedFiles(slot, onto, files)
  if (moved.size === 0) return {slot, repacked: 0}
  const places = new Map([...moved].map(([before, result]) => [placeOf(before), result]))
  const inLayers: (readonly ByteString[])[] = []
  for (const layer of slot.layers) {
    const index = (await layers.read(layer)) ?? []
    inLayers.push(index.map(({path}) => path).filter((path) => places.has(path)))
  }
  const changeOf = (position: number) => {
    const left = inLayers[position] ?? []
    if (left.length === 0) return undefined
    const merged = left.flatMap((path) => places.get(path)?.walked ?? [])
    merged.sort((a, b) => compareInTree(a.entry.path, b.entry.path))
    return (entries: Parameters<typeof mergeEntries>[0]) =>
      mergeEntries(entries, {left: new Set(left), merged})
  }
  const repacked = await repackSlot(store, slot, {changeOf, onto, dryRun}, ports)
  const merges = slot.merges.map((before) => moved.get(before)?.record ?? before)
  return {...repacked, slot: {...repacked.slot, merges}}
}

/** Those that are another file in the new image. */
async function movedFiles(
  slot: CarriedSlot,
  onto: Image,
  files: LayerFiles,
): Promise<ReadonlyMap<MergedFile, MergeResult>> {
  const vendor = vendorLayers(onto, undefined)
  const own = [...slot.layers].reverse()
  const moved = new Map<MergedFile, MergeResult>()
  for (const before of slot.merges) {
    const found = await files.find(vendor, fromText(before.path.slice(1)))
    if (isSameFile(before, found)) continue
    const {file} = await files.find(own, placeOf(before))
    if (!file) throw notAsRecorded(before.path)
    const metadata = {...file.metadata, mtime: before.mtime}
    const ours = {bytes: oursIn(file.bytes, before), metadata}
    moved.set(before, mergeFile(before, found, ours))
  }
  return moved
}

/** Whether merging a file again would change nothing. */
export function isSameFile(
  before: MergedFile,
  {at, file}: Pick<Awaited<ReturnType<LayerFiles['find']>>, 'at' | 'file'>,
): boolean {
  return placeOf(before) === at && before.vendor === (file && vendorDigest(file))
}

function placeOf({at, path}: MergedFile): ByteString {
  return fromText((at ?? path).slice(1))
}
