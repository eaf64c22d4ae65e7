import type {Image, Layer} from '../../image/image.js'
import type {Slot} from '../../image/slot.js'
import {
  findDirectories,
  type LayerDirectories,
  readLayerDirectories,
} from '../../layer/pack/base-directories.js'
import {
  directoriesOf,
  type Parents,
  withBaseDirectories,
  withoutBaseDirectories,
} from '../../layer/pack/parents.js'
import type {Entries, WalkedEntry} from '../../layer/tree/walked-entry.js'
import {windowsLayer} from '../../layer/tree/windows.js'
import {isForeignLayer, layerCompression} from '../../oci/media-type.js'
import {digestOf} from '../../oci/digest.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'

/** Entries with what they are known by: equal keys, equal entries. */
export interface KeyedEntries {
  readonly key: string
  readonly entries: Entries
}

/**
 * Entries for one layer (`entries`), and what to do where they are divided into several: each part
 * of `content` is a layer when it is in its `frame`.
 */
export interface FramedEntries extends KeyedEntries {
  readonly content: Entries
  readonly frame: (entries: Iterable<WalkedEntry>) => Iterable<WalkedEntry>
}

/** What the entries of a directory become in the layer of one image. */
export type LayerEntries = (
  target: {readonly image: Image; readonly slot: Slot | undefined},
  walked: KeyedEntries,
) => Promise<FramedEntries>

/**
 * The entries for the layer of an image: as Windows wants them where it is one for Windows, else
 * with parent directories as `parents` says. Layers of the image are read only when that needs
 * them, newest first and no more than necessary, each once in a run. Foreign layers are never
 * fetched; they and those that cannot be read are left out, with a warning.
 */
export function layerEntries(
  store: ContentStore,
  {
    parents = 'dir',
    created,
  }: {readonly parents?: Parents | undefined; readonly created?: number | undefined},
  {report, signal}: Ports,
): LayerEntries {
  const wantedBy = new Map<string, ReadonlySet<string>>()
  const readBy = new Map<string, LayerDirectories>()

  return async ({image, slot}, walked) => {
    if (image.config.value.os === 'windows')
      return framed(`${walked.key} windows`, walked.entries, windowsLayer)
    if (parents === 'dir') return framed(walked.key, walked.entries)
    const wanted = wantedBy.get(walked.key) ?? directoriesOf(walked.entries())
    wantedBy.set(walked.key, wanted)
    const read = async (layer: Layer): Promise<LayerDirectories> => {
      const key = `${layer.diffId} ${walked.key}`
      const known = readBy.get(key) ?? (await readLayer(layer, wanted))
      readBy.set(key, known)
      return known
    }
    const base = await findDirectories(readableLayers(image, slot), wanted, read)
    const facts = [...base.values()].map((own) => ({...own, xattrs: [...(own.xattrs ?? [])]}))
    return framed(
      `${walked.key} ${digestOf(Buffer.from(JSON.stringify(facts)))}`,
      parents === 'base'
        ? (detail) => withBaseDirectories(walked.entries(detail), base, created)
        : (detail) => withoutBaseDirectories(walked.entries(detail), base),
    )
  }

  /** Newest first. */
  function readableLayers({manifest, config}: Image, slot: Slot | undefined): Layer[] {
    const own = new Set(slot?.layers.map(({layer}) => layer))
    const layers = manifest.value.layers.flatMap((descriptor, position): Layer[] => {
      const diffId = config.value.rootfs.diff_ids[position]
      if (own.has(position) || diffId === undefined) return []
      const {mediaType} = descriptor
      if (layerCompression(mediaType) !== undefined && !isForeignLayer(mediaType))
        return [{descriptor, diffId}]
      const message = `layer ${position + 1} is of the type ${mediaType} and not looked into: directories that only it has are taken for new ones`
      report({kind: 'warning', message})
      return []
    })
    return layers.reverse()
  }

  async function readLayer(
    {descriptor, diffId}: Layer,
    wanted: ReadonlySet<string>,
  ): Promise<LayerDirectories> {
    report({kind: 'step', step: 'read image', on: `layer ${descriptor.digest}`})
    const blob = await store.openBlob(descriptor, {signal})
    return readLayerDirectories(blob, {mediaType: descriptor.mediaType, diffId}, wanted, signal)
  }
}

function framed(
  key: string,
  content: FramedEntries['content'],
  frame: FramedEntries['frame'] = (entries) => entries,
): FramedEntries {
  return {key, content, frame, entries: (detail = {opened: true}) => frame(content(detail))}
}
