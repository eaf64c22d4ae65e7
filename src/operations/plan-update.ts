import type {ConfigEdits} from '../image/config-edits.js'
import type {Image, Layer} from '../image/image.js'
import type {PlatformChoice} from '../image/platforms.js'
import {findSlot, type Slot} from '../image/slot.js'
import type {PackedContent} from '../layer/pack.js'
import type {WalkedEntry} from '../layer/walk.js'
import {platformOf} from '../oci/platform.js'
import type {Reference} from '../oci/reference.js'
import type {ContentStore, TagMove} from '../store/content-store.js'
import {type DirectoryOptions, refuseOwnLayout} from './directory.js'
import type {FoundDocument} from './find-document.js'
import type {SlotAction} from './injection-result.js'
import {compare, knownLayers} from './known-layers.js'
import type {LayerEntries} from './layer-entries.js'
import {loadFound, startOf} from './load-image.js'
import type {ConflictPolicy} from './on-conflict.js'
import type {Ports} from './ports.js'
import type {DirectoryFor} from './platform-directory.js'
import {noticeOtherSlots} from './slot-notices.js'
import {type FormatOptions, suitableImage} from './suitable-image.js'
import {planTagMoves} from './tag-moves.js'

export interface UpdateOptions
  extends Pick<DirectoryOptions, 'exclude' | 'whiteouts' | 'owner'>, FormatOptions {
  readonly reference: Reference
  readonly directory: string
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  readonly name: string
  /** Where in the image the directory belongs; `undefined`: where the slot says, else `/`. */
  readonly path?: string | undefined
  /** Seconds since the epoch: the time of the slot, and the latest mtime in the layer. `undefined`: the newest mtime in the directory. */
  readonly created?: number | undefined
  readonly onConflict: ConflictPolicy
  /** No tag is overwritten: it must not exist, or name the result already. */
  readonly noClobber: boolean
  /** What else the image is to say. */
  readonly edits?: ConfigEdits | undefined
  /** Which images of an index; a single image must be for one of them, too. */
  readonly platforms?: PlatformChoice | undefined
  /** What BuildKit said about an image of an index that is replaced. */
  readonly attestations?: 'drop' | 'keep'
  /** Bytes of the chunks that the layer is sent in; without, it goes in one request. */
  readonly chunkSize?: number | undefined
}

/** What an earlier round of the same update has stored. */
export interface StoredContent {
  /** Of the entries. */
  readonly key: string
  readonly layer: Layer
  readonly content: PackedContent
}

/** What an update will do, found out without changing anything. */
export interface UpdatePlan {
  /** What is injected into: `original`, or what `toOci` made of it. */
  readonly image: Image
  readonly original: Image
  readonly slot: Slot | undefined
  /** The tag that it was found by, if it was one. */
  readonly source: string | undefined
  readonly moves: readonly TagMove[]
  readonly path: string
  readonly action: SlotAction
  readonly entries: () => Iterable<WalkedEntry>
  /** Equal for equal entries. */
  readonly key: string
  /** What decides what the entries are, but for the directory's content. */
  readonly packing: readonly string[]
  /** What the directory packs to, as far as that was needed (always when `exhaustive`). */
  readonly content: PackedContent | undefined
  /** A layer that the repository has already and that holds just this. */
  readonly layer: Layer | undefined
}

/**
 * Reads the image, and the directory where that can save work. `exhaustive`: reads the directory to its end in any case. `stored`: what it was packed to
 * before, which holds as long as its place in the image does.
 */
export async function planUpdate(
  store: ContentStore,
  found: FoundDocument,
  directoryOf: DirectoryFor,
  options: UpdateOptions & {
    readonly exhaustive: boolean
    readonly stored?: StoredContent | undefined
    readonly layerEntries: LayerEntries
  },
  ports: Ports,
): Promise<UpdatePlan> {
  const {reference, name, tags, created, stored} = options
  const loaded = await loadFound(store, reference, found, ports.signal, options.platforms)
  const original = loaded.image
  const image = suitableImage(original, name, options)
  const directory = directoryOf(platformOf(image.config.value))
  refuseOwnLayout(reference, directory)
  const slot = findSlot(image, name)
  if (!slot) noticeOtherSlots(image, name, ports)
  const path = options.path ?? slot?.path ?? '/'
  const moves = await planTagMoves(store, reference, tags, startOf(loaded), ports.signal)
  const onWarning = warnOnce(ports)
  const walk = directory.entries({...options, path, clampMtime: created, onWarning})
  const packing = packingOf(directory.path, path, options)
  const walked = {key: packing.join(), entries: walk}
  const {key, entries} = await options.layerEntries({image, slot}, walked)
  const {layer, content} =
    stored?.key === key
      ? stored
      : await compare(
          store,
          await knownLayers(store, image, name, moves, ports.signal),
          entries,
          {...options, on: options.directory},
          ports,
        )
  const isSame = slot !== undefined && layer?.diffId === slot.diffId && path === slot.path
  return {
    image,
    original,
    slot,
    key,
    source: loaded.tag,
    moves,
    path,
    entries,
    packing: [...packing, key],
    content,
    layer,
    action: isSame ? 'unchanged' : slot ? 'replaced' : 'added',
  }
}

/** What decides what is packed, but for the directory's content: by this a later run knows that it may go on. */
export function packingOf(
  directory: string,
  path: string,
  {owner, exclude, whiteouts, created, compression}: UpdateOptions,
): readonly string[] {
  return [directory, path, JSON.stringify({owner, exclude, whiteouts, created, compression})]
}

/** A directory may be walked twice, to compare and to pack; what there is to say of it is said once. */
export function warnOnce({report}: Ports): (message: string) => void {
  const said = new Set<string>()
  return (message) => {
    if (said.has(message)) return
    said.add(message)
    report({kind: 'warning', message})
  }
}
