import {NotFoundError, PreconditionError} from '../../errors.js'
import {descriptorOf} from '../../image/document.js'
import {formatGraft} from '../../image/follow/graft-origin.js'
import type {Image} from '../../image/image.js'
import {findSlot, findSlots, numberedLayers, type Slot} from '../../image/slot.js'
import {createContentSpool, type ContentSpool} from '../../layer/sources/content-spool.js'
import type {Digest} from '../../oci/digest.js'
import {formatReference} from '../../oci/names/reference.js'
import {formatPlatform, matchesPlatform, type Platform} from '../../oci/platform.js'
import {parseTime} from '../../oci/time.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {findDocument} from '../find/find-document.js'
import {originName} from '../find/image-request.js'
import {type LoadedImages, loadImages} from '../follow/load-images.js'
import type {ContentOf, SlotContent} from '../slot/group.js'
import {sourceContent, type SourceContentOptions} from '../slot/source-content.js'
import {listedSource} from '../source/listed-source.js'
import type {PackRules, SourceTree} from '../source/source-tree.js'
import type {GraftRequest} from './graft-request.js'
import {readTree, type TreePart} from './read-tree.js'

export interface GraftContentOptions extends SourceContentOptions {
  /** The folder for temporary files. */
  readonly temporary: string
  readonly rules: PackRules
}

/** Another image, opened to take content from it. */
export interface OpenGraft {
  readonly store: ContentStore
  /** The content for each image. */
  contentOf(options: GraftContentOptions): ContentOf
  /** Removes temporary files, and closes the store. */
  close(): Promise<void>
}

/**
 * Opens the image to take content from. A whole slot that stays at its path is linked: its layers
 * are those of the other image, and no byte of them is read. What goes to another path, is a part
 * of a slot or image, or gets other owners or modes, is read and packed. Throws what `findDocument`
 * and `loadImages` throw.
 */
export async function openGraft(request: GraftRequest, ports: Ports): Promise<OpenGraft> {
  const {reference} = request
  const store = await ports.openStore(reference, {writes: false})
  const spools: ContentSpool[] = []
  try {
    const document = await findDocument(store, reference, ports)
    const images = await loadImages(store, document, ports.signal)
    const {digest} = descriptorOf(document)
    return {
      store,
      contentOf: (options) => grafted({store, request, images, digest, spools}, options, ports),
      async close() {
        for (const spool of spools) spool.close()
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

interface Graft {
  readonly store: ContentStore
  readonly request: GraftRequest
  readonly images: LoadedImages
  /** Of what the reference names. */
  readonly digest: Digest
  readonly spools: ContentSpool[]
}

function grafted(graft: Graft, options: GraftContentOptions, ports: Ports): ContentOf {
  const {request, images, digest} = graft
  const trees = new Map<string, Promise<SourceTree>>()
  return async (target) => {
    const image = imageFor(images, target.platform, request)
    const slot = slotIn(image, request)
    const own = request.path ?? slot?.path ?? '/'
    const path = options.layer.path ?? target.slot?.path ?? own
    const name = originName(request.reference)
    const from = formatGraft({digest, image: name, slot: slot?.name, path: request.path})
    const merges = [...(slot?.merges ?? []), ...(target.slot?.merges ?? [])]
    const isWhole = slot && own === slot.path && own === path && merges.length === 0
    if (isWhole && isPlain(options)) return {...linkedContent(image, slot, request), from}
    const key = `${image.manifest.descriptor.digest} ${slot?.name} ${own}`
    const tree = trees.get(key) ?? readSource(graft, {image, slot, path: own}, options, ports)
    trees.set(key, tree)
    const source = {treeFor: constant(await tree), close: () => undefined}
    const layer = {...options.layer, path}
    const content = await sourceContent(source, {...options, layer})(target)
    return content && {...content, from}
  }
}

function constant<T>(value: T): () => T {
  return () => value
}

/** Whether the content stays as it is. */
function isPlain({rules, layer}: GraftContentOptions): boolean {
  const {owner, chmod, exclude} = rules
  const isSame = owner === undefined && chmod === undefined && exclude.length === 0
  const {created, sharding, merges} = layer
  return isSame && [created, sharding, merges].every((each) => each === undefined)
}

function linkedContent(image: Image, slot: Slot, {reference}: GraftRequest): SlotContent {
  const {name, path, sharding, parents} = slot
  const layers = numberedLayers(slot).map(({descriptor, diffId}) => ({descriptor, diffId}))
  const key = `linked ${layers.map(({descriptor}) => descriptor.digest).join(' ')}`
  const entries = () => {
    throw new Error('the layers of another image are not packed')
  }
  const created = image.config.value.history?.[slot.history ?? -1]?.created
  return {
    ...{key, path, entries, content: entries},
    on: `slot ${name} of ${formatReference(reference)}`,
    time: slot.newest ?? parseTime(created) ?? 0,
    linked: {layers, sharding, parents},
  }
}

async function readSource(
  {store, request, spools}: Graft,
  part: TreePart,
  {temporary, rules}: GraftContentOptions,
  ports: Ports,
): Promise<SourceTree> {
  const spool = await createContentSpool(temporary)
  spools.push(spool)
  const tree = await readTree(store, part, spool, {...ports, exclude: rules.exclude})
  const name = `${formatReference(request.reference)}//${part.path.slice(1)}`
  return listedSource(name, tree, rules)
}

/** The image for a platform; the only one there is, whatever it is for: files suit any. */
function imageFor(
  {images, tree}: LoadedImages,
  platform: Platform,
  {reference}: GraftRequest,
): Image {
  const [only] = images
  if (only && !tree) return only.image
  const found = images.find((each) => matchesPlatform(platform, each.platform))
  if (found) return found.image
  throw new NotFoundError(
    'ERR_INJECT_PLATFORM_NOT_FOUND',
    `${formatReference(reference)} has no image for ${formatPlatform(platform)} to take from`,
    {hint: `it has ${images.map((each) => formatPlatform(each.platform)).join(', ')}`},
  )
}

/** The slot to take from; `undefined` for a path without a slot: the image's own files. */
function slotIn(image: Image, {slot: name, path, reference}: GraftRequest): Slot | undefined {
  const slots = findSlots(image)
  const what = formatReference(reference)
  if (name !== undefined) {
    const slot = findSlot(image, name)
    if (slot) return slot
    throw noSlot(`${what} has no slot ${name}`, slots)
  }
  if (path !== undefined) return undefined
  const [only, ...others] = slots
  if (only && others.length === 0) return only
  throw noSlot(only ? `${what} has several slots` : `${what} has no slots`, slots)
}

function noSlot(message: string, slots: readonly Slot[]): PreconditionError {
  const names = slots.map(({name}) => name).join(', ')
  return new PreconditionError('ERR_INJECT_NO_SLOT', message, {
    hint:
      names === ''
        ? 'name a directory in it: --from IMAGE//PATH'
        : `choose one with --from-slot: ${names}`,
  })
}
