import {InjectError, NetworkError} from '../errors.js'
import {eject, isSameImage, rememberedBase} from '../image/eject.js'
import type {Image} from '../image/image.js'
import {imageEntries, type IndexTree} from '../image/index-tree.js'
import type {PlatformChoice} from '../image/platforms.js'
import {replaceImages} from '../image/replace-images.js'
import {findSlot, findSlots} from '../image/slot.js'
import {baseDigest, defaultSlotName} from '../oci/annotation.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {ociIndex} from '../oci/media-type.js'
import {formatReference, repositoryName, type Reference} from '../oci/reference.js'
import type {ContentStore} from '../store/content-store.js'
import {fetchImage} from './find/fetch-image.js'
import type {FoundDocument} from './find/find-document.js'
import {loadTargets, refuseNone} from './find/index-targets.js'
import {loadFound} from './find/load-image.js'
import {isIndex, loadIndex, type LoadedIndex} from './find/load-index.js'
import {reportOddities} from './find/report-oddities.js'
import type {ConflictPolicy} from './publish/on-conflict.js'
import type {Ports} from '../ports.js'
import {chosenName} from './slot/chosen-name.js'
import {publish} from './publish/publish.js'
import {publishIndex} from './publish/publish-index.js'
import {publishUntilSettled} from './publish/until-settled.js'
import {outstanding, planTagMoves, refuseClobber} from './publish/tag-moves.js'

export interface RemoveOptions {
  readonly reference: Reference
  /** Empty: the tag in the reference. */
  readonly tags: readonly string[]
  /** `undefined`: the only slot there is, or CernVM-FS's. */
  readonly name?: string | undefined
  /**
   * A tag or digest of the same repository: what the image was before, for one that does not
   * remember it.
   */
  readonly base?: string | undefined
  readonly platforms?: PlatformChoice | undefined
  readonly attestations?: 'drop' | 'keep'
  readonly onConflict: ConflictPolicy
  readonly noClobber: boolean
  readonly dryRun: boolean
}

export interface RemoveResult {
  /** `repository@digest` of what the tags name now (in a dry run: would name). */
  readonly reference: string
  readonly digest: Digest
  /** The manifest that the work started from. */
  readonly base: Digest
  readonly slot: string
  /**
   * The result is the very manifest that was there before anything was injected: signatures of it
   * hold again.
   */
  readonly original: boolean
  /** The tags that moved. In a dry run: those that would be moved. */
  readonly tags: readonly string[]
  readonly dryRun: boolean
}

/**
 * Takes a slot out of an image, or of the chosen images of an index. When nothing is left of what
 * was injected, and what was there before is remembered (or named by `base`), still there and
 * indeed the same, the result is that; else an equivalent image. Throws what `eject` and
 * `loadImage` throw.
 */
export async function remove(options: RemoveOptions, ports: Ports): Promise<RemoveResult> {
  const {reference, dryRun} = options
  const store = await ports.openStore(reference, {writes: !dryRun})
  try {
    return await publishUntilSettled(store, options, ports, async (found) => {
      const {digest} = found.stored.descriptor
      const start = {digest, tag: found.tag}
      const moves = await planTagMoves(store, reference, options.tags, start, ports.signal)
      const work = {store, options, found, moves, ports}
      return found.isIndex ? fromIndex(work) : fromImage(work)
    })
  } finally {
    await store.close()
  }
}

/** With the name of the slot that is meant. */
type Named = RemoveOptions & {readonly name: string}

interface Work {
  readonly store: ContentStore
  readonly options: RemoveOptions
  readonly found: FoundDocument
  readonly moves: Awaited<ReturnType<typeof planTagMoves>>
  readonly ports: Ports
}

async function fromImage({store, options, found, moves, ports}: Work): Promise<RemoveResult> {
  const {reference, platforms, noClobber, dryRun} = options
  const {signal} = ports
  const {image} = await loadFound(store, reference, found, signal, platforms)
  reportOddities(image, ports)
  const named = {...options, name: chosenName([image], options.name, ports)}
  const {result, original} = await withoutSlot(store, image, named, signal)
  const {digest} = result.manifest.descriptor
  if (noClobber) refuseClobber(moves, digest, store.name)
  const tags = dryRun
    ? outstanding(moves, digest).map(({tag}) => tag)
    : await publish(store, image, result, moves, {signal})
  return describe(named, found, {digest, tags, original})
}

async function fromIndex({store, options, found, moves, ports}: Work): Promise<RemoveResult> {
  const {reference, attestations = 'drop', noClobber, dryRun} = options
  const {signal} = ports
  const loaded = await loadIndex(store, found.stored, signal)
  const what = formatReference(reference)
  const targets = await loadTargets(
    store,
    loaded,
    {name: options.name ?? defaultSlotName, platforms: options.platforms, what},
    signal,
  )
  refuseNone(targets, what)
  for (const {image} of targets) reportOddities(image, ports)
  const name = chosenName(
    targets.map(({image}) => image),
    options.name,
    ports,
  )
  const named = {...options, name}
  // of all images, those that have it; where none does, the first says so
  const having = targets.filter(({image}) => findSlot(image, name) !== undefined)
  const chosen = options.platforms === 'all' && having.length > 0 ? having : targets
  const images = []
  for (const {image} of chosen) {
    const {result, rest, original} = await withoutSlot(store, image, named, signal)
    images.push({image, result, rest, original})
  }
  const others = await imagesBeside(store, loaded, images, signal)
  const left = [...images.map(({result}) => result), ...others]
  const base = left.every((image) => image && findSlots(image).length === 0) ? 'forget' : 'keep'
  const replace = (next: readonly {readonly image: Image; readonly result: Image}[]) => {
    const descriptors = next.map(
      ({image, result}) => [image.manifest.descriptor.digest, result.manifest.descriptor] as const,
    )
    return replaceImages(loaded.tree, {images: new Map(descriptors), attestations, base})
  }
  const whole = replace(images)
  const before = await originalIndex(store, loaded.tree, whole.tree, options.base, signal)
  // an original of Docker's in an index that was made OCI's would be one of the other family
  const kept = before
    ? images
    : images.map((each) =>
        isSameFamily(each) ? each : {...each, result: each.rest, original: false},
      )
  const {tree, changed} = before ? whole : replace(kept)
  const after = before ?? tree
  const {digest} = after.index.descriptor
  if (noClobber) refuseClobber(moves, digest, store.name)
  const tags = dryRun
    ? outstanding(moves, digest).map(({tag}) => tag)
    : await publishIndex(
        store,
        {after, changed: before ? [] : changed, images: kept, moves},
        {signal},
      )
  // Docker's lists cannot remember, and need not: with the old images in their places they are what
  // they were
  const canRemember = after.index.descriptor.mediaType === ociIndex
  const original = before !== undefined || (!canRemember && kept.every((each) => each.original))
  return describe(named, found, {digest, tags, original})
}

/** The images of the index that are not worked on; `undefined` for what cannot be read. */
async function imagesBeside(
  store: ContentStore,
  {images}: LoadedIndex,
  chosen: readonly {readonly image: Image}[],
  signal: AbortSignal,
): Promise<readonly (Image | undefined)[]> {
  const known = new Set(chosen.map(({image}) => image.manifest.descriptor.digest))
  const others = images.filter(({entry}) => !known.has(entry.digest))
  return Promise.all(others.map(({entry}) => fetchOriginal(store, entry.digest, signal)))
}

/** The image without the slot, or the very one that it was before anything was injected. */
async function withoutSlot(
  store: ContentStore,
  image: Image,
  {name, base}: Named,
  signal: AbortSignal,
): Promise<{result: Image; rest: Image; original: boolean}> {
  const rest = eject(image, name)
  const before = findSlots(rest).length === 0 ? (rememberedBase(image) ?? base) : undefined
  const found = before === undefined ? undefined : await fetchOriginal(store, before, signal)
  const original = found !== undefined && isSameImage(rest, found)
  return {result: original ? found : rest, rest, original}
}

function isSameFamily({result, rest}: {readonly result: Image; readonly rest: Image}): boolean {
  return result.manifest.descriptor.mediaType === rest.manifest.descriptor.mediaType
}

/**
 * What is not there, is refused or is no image cannot be put back. Throws `NetworkError`: a
 * registry that cannot tell now may tell another time, and the result must not depend on that.
 */
async function fetchOriginal(
  store: ContentStore,
  name: string,
  signal: AbortSignal,
): Promise<Image | undefined> {
  try {
    return await fetchImage(store, name, signal)
  } catch (error) {
    if (error instanceof InjectError && !(error instanceof NetworkError)) return undefined
    throw error
  }
}

/** The index that was there before, when it has just the images that are left. */
async function originalIndex(
  store: ContentStore,
  before: IndexTree,
  after: IndexTree,
  named: string | undefined,
  signal: AbortSignal,
): Promise<IndexTree | undefined> {
  const remembered = new Map(Object.entries(before.index.value.annotations ?? {})).get(baseDigest)
  const name = isDigest(remembered) ? remembered : named
  const stored = name === undefined ? undefined : await store.getManifest(name, {signal})
  if (!stored || !isIndex(stored)) return undefined
  const {tree} = await loadIndex(store, stored, signal)
  const digests = (each: IndexTree) =>
    imageEntries(each)
      .map(({digest}) => digest)
      .join()
  return digests(tree) === digests(after) ? tree : undefined
}

function describe(
  {reference, name, dryRun}: Named,
  {stored}: FoundDocument,
  result: Pick<RemoveResult, 'digest' | 'tags' | 'original'>,
): RemoveResult {
  return {
    reference: `${repositoryName(reference)}@${result.digest}`,
    base: stored.descriptor.digest,
    slot: name,
    dryRun,
    ...result,
  }
}
