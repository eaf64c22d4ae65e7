import {NotFoundError, PreconditionError} from '../../errors.js'
import type {Image, NumberedLayer} from '../../image/image.js'
import {numberedLayers, type Slot} from '../../image/slot.js'
import {type ByteString, display, fromText} from '../../layer/byte-string.js'
import type {Entry} from '../../layer/entry.js'
import {layerTitle} from '../../layer/in-layer.js'
import {readLayer, readLimits} from '../../layer/records/read-layer.js'
import type {ContentSpool} from '../../layer/sources/content-spool.js'
import {createEntryList, type EntryList} from '../../layer/sources/entry-list.js'
import {type ListedTree, listedTree} from '../../layer/sources/listed-tree.js'
import {ignoreRulesOf} from '../../layer/tree/ignore-rules.js'
import {windowsFiles} from '../../layer/tree/windows.js'
import {isWhiteout, opaqueMarker, whiteoutPrefix} from '../../layer/whiteout.js'
import type {ContentStore} from '../../store/content-store.js'
import type {Ports} from '../../ports.js'
import {baseLayers} from '../slot/entries/base-layers.js'

/** A directory of an image. */
export interface TreePart {
  readonly image: Image
  /** Whose content it is; `undefined`: that of the whole image. */
  readonly slot: Slot | undefined
  /** Absolute. */
  readonly path: string
}

/**
 * The entries of a directory of an image, layers laid over each other as engines do it; contents go
 * to the spool. Each layer is read once. Throws `NotFoundError` (`ERR_INJECT_PATH_NOT_FOUND`),
 * `PreconditionError` (`ERR_INJECT_LAYER_FOREIGN`), and what reading a layer throws.
 */
export async function readTree(
  store: ContentStore,
  part: TreePart,
  spool: ContentSpool,
  ports: Ports & {readonly exclude: readonly string[]},
): Promise<ListedTree> {
  const {image, slot, path} = part
  const {report, signal, exclude} = ports
  const list = createEntryList()
  const isWindows = image.config.value.os === 'windows'
  const prefix = [isWindows ? windowsFiles : '', fromText(path.slice(1))].filter(Boolean).join('/')
  const state: Reading = {list, spool, prefix, isSlot: slot !== undefined}
  for (const layer of layersOf(image, slot)) {
    const {descriptor, diffId, number} = layer
    report({kind: 'step', step: 'read image', on: `layer ${descriptor.digest}`})
    list.beginLayer()
    const place = {number, digest: descriptor.digest}
    const open = () => store.openBlob(descriptor, {signal})
    const stored = {mediaType: descriptor.mediaType, diffId, place, open}
    await readLayer(stored, listener(state), readLimits, signal)
  }
  spool.end()
  const {inode, children} = list.root
  const isFound = path === (slot?.path ?? '/') || inode !== undefined || children?.size !== 0
  if (!isFound) throw notThere(part)
  const isExcluded = ignoreRulesOf(undefined, exclude)
  return listedTree(list, {isExcluded, whiteouts: true, devices: true})
}

interface Reading {
  readonly list: EntryList
  readonly spool: ContentSpool
  readonly prefix: ByteString
  readonly isSlot: boolean
}

function listener(state: Reading) {
  const {list, spool, prefix} = state
  let isKept = false
  return {
    entry(entry: Entry) {
      isKept = false
      if (!state.isSlot && hides(entry.path)) return
      if (entry.path === prefix && prefix !== '') {
        if (entry.kind !== 'directory') {
          list.hide('', 'whole')
          return
        }
        list.describeRoot({...entry, path: ''})
      }
      const inside = relative(entry.path, prefix)
      if (inside === undefined || inside === '') return
      if (entry.kind === 'hardlink') {
        const target = relative(entry.target, prefix)
        if (target === undefined) throw linkOutside(entry.path, entry.target)
        list.link(inside, target)
        return
      }
      isKept = entry.kind === 'file' && entry.size > 0
      const content = isKept ? {file: spool.file, offset: spool.position()} : undefined
      list.put(inside, {...entry, path: ''}, content)
    },
    data(bytes: Uint8Array) {
      if (isKept) spool.write(bytes)
    },
    hole(zeros: number) {
      if (isKept) spool.skip(zeros)
    },
    entryEnd: () => undefined,
  }

  /** Whether it is a whiteout, which is then obeyed. */
  function hides(path: ByteString): boolean {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1)
    if (!isWhiteout(name)) return false
    const folder = path.slice(0, Math.max(0, slash))
    const isOpaque = name === opaqueMarker
    const hidden = isOpaque
      ? folder
      : [folder, name.slice(whiteoutPrefix.length)].filter((each) => each !== '').join('/')
    const inside = relative(hidden, prefix)
    if (inside !== undefined) list.hide(inside, isOpaque ? 'inside' : 'whole')
    else if (hidden === '' || prefix.startsWith(`${hidden}/`)) list.hide('', 'whole')
    return true
  }
}

/** The path below `prefix`; `undefined` for one that is elsewhere. */
function relative(path: ByteString, prefix: ByteString): ByteString | undefined {
  if (prefix === '' || path === prefix) return path === prefix ? '' : path
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1) : undefined
}

function layersOf(image: Image, slot: Slot | undefined): readonly NumberedLayer[] {
  if (slot) return numberedLayers(slot)
  const refuse = ({number, descriptor}: NumberedLayer): never => {
    throw new PreconditionError(
      'ERR_INJECT_LAYER_FOREIGN',
      `${layerTitle({number, digest: descriptor.digest})} is of the type ${descriptor.mediaType}, which cannot be read`,
      {hint: 'take the content from an image whose layers are all in the registry'},
    )
  }
  return baseLayers(image, undefined, refuse).reverse()
}

function notThere({path, slot}: TreePart): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_PATH_NOT_FOUND',
    `there is no directory ${display(path)} in ${slot ? `slot ${slot.name} of ` : ''}the image to take from`,
    {hint: 'inject ls lists the files'},
  )
}

function linkOutside(path: ByteString, target: ByteString): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_GRAFT_LINK',
    `${display(`/${path}`)} is a hard link to ${display(`/${target}`)}, which is not in the directory`,
    {hint: 'take a directory that both of them are in'},
  )
}
