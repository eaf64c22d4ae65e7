import type {Image, NumberedLayer} from '../../../image/image.js'
import type {Slot} from '../../../image/slot.js'
import type {ByteString} from '../../../layer/byte-string.js'
import {findPaths} from '../../../layer/pack/base-directories.js'
import {followLinks, throughLinks} from '../../../layer/pack/follow-links.js'
import {
  directoriesOf,
  type Parents,
  withBaseDirectories,
  withoutBaseDirectories,
} from '../../../layer/pack/parents.js'
import type {FolderAt} from '../../../layer/tree/folder-at.js'
import type {Entries, WalkedEntry} from '../../../layer/tree/walked-entry.js'
import {windowsLayer} from '../../../layer/tree/windows.js'
import {digestOf} from '../../../oci/digest.js'
import type {ContentStore} from '../../../store/content-store.js'
import type {Ports} from '../../../ports.js'
import {baseLayers, createBaseLayers} from './base-layers.js'
import {checkLinks} from './check-links.js'

/** Entries with their key: equal keys mean equal entries. */
export interface KeyedEntries {
  readonly key: string
  readonly entries: Entries
}

/** The content of a directory, before the image is known. */
export interface TreeEntries extends KeyedEntries {
  /**
   * Names in the image's root that are directories of the tree, without the slot's own; the image
   * may have something else there.
   */
  readonly names: readonly ByteString[]
  /** Its directories, each looked at by itself. */
  readonly folderAt: FolderAt
}

/**
 * Entries for one layer (`entries`), and how to divide them into several: each part of `content`
 * becomes a layer when it is wrapped in its `frame`.
 */
export interface FramedEntries extends KeyedEntries {
  readonly content: Entries
  /** Absent where a layer holds them as they are. */
  readonly frame?: ((entries: Iterable<WalkedEntry>) => Iterable<WalkedEntry>) | undefined
}

/** Turns the entries of a directory into those for the layer of one image. */
export type LayerEntries = (
  target: {readonly image: Image; readonly slot: Slot | undefined},
  walked: TreeEntries,
) => Promise<FramedEntries>

/**
 * The entries for the layer of an image: in the form of Windows layers for a Windows image, else
 * with parent directories as `parents` says. Layers of the image are read only if that is needed,
 * newest first, no more than necessary, and each once in a run. Foreign layers are never fetched;
 * they, and layers that cannot be read, are left out with a warning.
 */
export function layerEntries(
  store: ContentStore,
  {
    parents = 'dir',
    created,
  }: {readonly parents?: Parents | undefined; readonly created?: number | undefined},
  ports: Ports,
): LayerEntries {
  const wantedBy = new Map<string, ReadonlySet<string>>()
  const checked = new Set<string>()
  const layers = createBaseLayers(store, ports)

  return async ({image, slot}, walked) => {
    if (image.config.value.os === 'windows')
      return framed(`${walked.key} windows`, walked.entries, windowsLayer)
    if (parents === 'dir') {
      await checkOnce(image, slot, walked)
      return framed(walked.key, walked.entries)
    }
    const wanted = wantedBy.get(walked.key) ?? directoriesOf(walked.entries('directories'))
    wantedBy.set(walked.key, wanted)
    const newestFirst = baseLayers(image, slot, warnOfUnreadable)
    const {paths, followed} = await followLinks(wanted, (asked) =>
      findPaths(newestFirst, asked, (layer) => layers.read(layer)),
    )
    const base = paths.directories
    const facts = [...base.values()].map((own) => ({...own, xattrs: [...(own.xattrs ?? [])]}))
    const key = digestOf(Buffer.from(JSON.stringify([facts, ...followed])))
    const content: Entries =
      followed.size === 0
        ? walked.entries
        : (detail) => throughLinks(walked.entries(detail), followed, base)
    return framed(
      `${walked.key} ${key}`,
      parents === 'base'
        ? (detail) => withBaseDirectories(content(detail), base, created)
        : (detail) => withoutBaseDirectories(content(detail), base),
    )
  }

  /** A conflict or another image of an index asks for the same entries again. */
  async function checkOnce(
    image: Image,
    slot: Slot | undefined,
    {key, names, folderAt}: TreeEntries,
  ): Promise<void> {
    if (names.length === 0) return
    const id = `${key} ${image.config.descriptor.digest}`
    if (checked.has(id)) return
    checked.add(id)
    await checkLinks(baseLayers(image, slot), folderAt, layers, ports)
  }

  function warnOfUnreadable({number, descriptor}: NumberedLayer): void {
    const message = `layer ${number} is of the type ${descriptor.mediaType} and not looked into: directories that only it has are taken for new ones`
    ports.report({kind: 'warning', message})
  }
}

function framed(
  key: string,
  content: FramedEntries['content'],
  frame?: FramedEntries['frame'],
): FramedEntries {
  if (frame) return {key, content, frame, entries: (detail = 'content') => frame(content(detail))}
  const entries: Entries = (detail = 'content') => content(detail)
  return {key, content, entries: Object.assign(entries, content)}
}
