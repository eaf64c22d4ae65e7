import {isDeepStrictEqual} from 'node:util'
import type {CarriedSlot} from '../../image/follow/carry-slots.js'
import type {Image} from '../../image/image.js'
import type {ByteString} from '../../layer/byte-string.js'
import type {EntryMetadata} from '../../layer/entry.js'
import {findPaths, parentsOf} from '../../layer/pack/base-directories.js'
import {type Followed, followLinks, throughLinks} from '../../layer/pack/follow-links.js'
import type {LayerIndex} from '../../layer/contents/layer-index.js'
import {withBaseDirectories, withoutBaseDirectories} from '../../layer/pack/parents.js'
import type {WalkedEntry} from '../../layer/tree/walked-entry.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {baseLayers, type BaseLayers} from '../slot/entries/base-layers.js'
import {type RecomputedSlot, repackSlot} from './repack-layer.js'

/** What a slot takes from its image: metadata of directories, and the targets of links. */
interface TakenFromBase {
  readonly directories: ReadonlyMap<ByteString, EntryMetadata>
  readonly links: ReadonlyMap<ByteString, ByteString>
  readonly followed: Followed
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
  const changeOf = (at: number) => {
    return mayDiffer(indexes[at] ?? [], slot, taken) ? change : undefined
  }
  return repackSlot(store, slot, {changeOf, onto, dryRun}, ports)
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
