import type {CarriedSlot} from '../../image/follow/carry-slots.js'
import type {Image, NumberedLayer} from '../../image/image.js'
import type {ByteString} from '../../layer/byte-string.js'
import type {EntryMetadata} from '../../layer/entry.js'
import {findPaths, parentsOf, withParents} from '../../layer/pack/base-directories.js'
import type {IndexedEntry, LayerIndex} from '../../layer/contents/layer-index.js'
import {opaqueMarker, whiteoutPrefix} from '../../layer/whiteout.js'
import {defaultSlotName} from '../../oci/annotation.js'
import type {Ports} from '../../ports.js'
import {baseLayers, type BaseLayers} from '../slot/entries/base-layers.js'
import {checkLinks} from '../slot/entries/check-links.js'
import {createLook, type LookPolicy} from './slot-index.js'

/** The image below the slots, before and after. */
export interface Below {
  readonly before: Image
  readonly after: Image
}

/** What the slots hide of the image below them. */
export interface Hidden {
  /** Paths in the image, sorted. */
  readonly paths: readonly ByteString[]
  /** Whether all layers that matter were read. */
  readonly isComplete: boolean
}

/**
 * Finds the files of the new image that the slots hide and that the old image did not have. Reads
 * the layers that only the new image has, and, if something in them is hidden, those of the old
 * one. Throws `UnsafeContentError` (`ERR_INJECT_LINK_IN_THE_WAY`) when the new image has a symbolic
 * link in place of a directory of a slot.
 */
export async function lookBelow(
  slots: readonly CarriedSlot[],
  {before, after}: Below,
  {layers, policy}: {readonly layers: BaseLayers; readonly policy: LookPolicy},
  ports: Pick<Ports, 'report'>,
): Promise<Hidden> {
  if (policy === 'none') return {paths: [], isComplete: true}
  const look = createLook(layers, policy)
  const [old, next] = [baseLayers(before, undefined), baseLayers(after, undefined)]
  const added = without(next, old)
  if (added.length === 0) return {paths: [], isComplete: true}
  const wanted = new Map<ByteString, IndexedEntry['kind']>()
  const opaque = new Set<ByteString>()
  for (const slot of slots) {
    for (const layer of slot.layers) {
      const index = await look.read(layer)
      if (!index) continue
      for (const entry of index) note(entry)
      await checkDirectories(slot, index)
    }
  }
  for (const layer of opaque.size > 0 ? added : [])
    for (const {path, kind} of (await look.read(layer)) ?? [])
      if (kind !== 'directory' && parentsOf(path).some((folder) => opaque.has(folder)))
        wanted.set(path, kind)
  const hidden = async (places: readonly NumberedLayer[], paths: ReadonlySet<ByteString>) => {
    const found = await findPaths(places, withParents(paths), (layer) => look.read(layer))
    return [...paths].filter((path) => {
      if (found.files.has(path) || found.links.has(path)) return true
      return found.directories.has(path) && wanted.get(path) !== 'directory'
    })
  }
  const candidates = new Set(await hidden(added, new Set(wanted.keys())))
  const known = candidates.size > 0 ? new Set(await hidden(old, candidates)) : candidates
  const paths = [...candidates].filter((path) => !known.has(path)).sort()
  return {paths, isComplete: !look.isPartial()}

  /** What an entry hides: its own path, or the target of a whiteout. */
  function note({path, kind}: IndexedEntry): void {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const folder = path.slice(0, Math.max(0, path.length - name.length - 1))
    if (!name.startsWith(whiteoutPrefix)) wanted.set(path, kind)
    else if (name === opaqueMarker) opaque.add(folder)
    else {
      const target = name.slice(whiteoutPrefix.length)
      wanted.set(folder === '' ? target : `${folder}/${target}`, 'other')
    }
  }

  /** As an update does it, for content that is laid over the image's root. */
  async function checkDirectories(slot: CarriedSlot, index: LayerIndex): Promise<void> {
    const directories = new Map<ByteString, EntryMetadata>()
    for (const entry of index) if (entry.kind === 'directory') directories.set(entry.path, entry)
    const isOwn = (path: ByteString) => path === defaultSlotName || path.includes('/')
    const follows = slot.parents !== undefined && slot.parents !== 'dir'
    if (slot.path !== '/' || follows || [...directories.keys()].every(isOwn)) return
    await checkLinks(next, (path) => directories.get(path), layers, ports)
  }
}

/** The layers that the other image does not have. */
function without(
  layers: readonly NumberedLayer[],
  others: readonly NumberedLayer[],
): NumberedLayer[] {
  const known = new Set(others.map(({diffId}) => diffId))
  return layers.filter(({diffId}) => !known.has(diffId))
}
