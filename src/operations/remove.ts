import {PreconditionError} from '../errors.js'
import {decodeDocument, descriptorOf} from '../image/document.js'
import {eject, isSameImage} from '../image/eject.js'
import {originOf, originOfIndex} from '../image/follow/origin.js'
import {formatNote, type RunNote, withNote} from '../image/follow/run-note.js'
import type {Image} from '../image/image.js'
import {droppedAttestations} from '../image/index/dropped-attestations.js'
import {allEntries, imageEntries, type IndexTree} from '../image/index/index-tree.js'
import {replaceImages} from '../image/index/replace-images.js'
import {findSlots} from '../image/slot.js'
import type {Digest} from '../oci/digest.js'
import {isOwnAttestation} from '../oci/image-index.js'
import {ociIndex} from '../oci/media-type.js'
import {repositoryName} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {withTarget} from './copy/with-target.js'
import {fetchOriginal, ifUsable} from './find/fetch-original.js'
import type {ImageRequest} from './find/image-request.js'
import {loadIndex} from './find/load-index.js'
import {type LoadedTargets, loadTargets, type Target} from './find/load-targets.js'
import {createReadDocuments} from './find/read-documents.js'
import {warnOfStale} from './injection/left-behind.js'
import {publishKeeping} from './publish/keep-replaced.js'
import type {ChangedDocument} from './publish/publish.js'
import type {PublishRequest, TargetRequest} from './publish/publish-request.js'
import {findReplaced, noteOfRun, withFittingNote} from './publish/run-notes.js'
import {outstanding, planTagMoves, refuseClobber} from './publish/tag-moves.js'
import {publishUntilSettled, type Round, type Workplace} from './publish/until-settled.js'

/** The options of `remove`. */
export interface RemoveRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly publish: PublishRequest
  /**
   * A tag or digest of the same repository that names the original image, for an image that does
   * not remember it.
   */
  readonly base?: string | undefined
}

export interface RemoveResult {
  /** `repository@digest` of the document that the tags name now; in a dry run, would name. */
  readonly reference: string
  readonly digest: Digest
  /** The manifest that the work started from. */
  readonly base: Digest
  readonly slot: string
  /**
   * The result is exactly the manifest from before the first injection, so its signatures are valid
   * again.
   */
  readonly original: boolean
  /** The tags that moved; in a dry run, those that would move. */
  readonly tags: readonly string[]
  /** Attestations that were removed because their images changed. */
  readonly attestationsDropped: number
  readonly dryRun: boolean
}

/**
 * Removes a slot from an image, or from the chosen images of an index. When nothing injected is
 * left, and the original is remembered (or named by `base`), still exists and is indeed equal, the
 * result is that original; else an equivalent image. Throws what `eject` and `loadTargets` throw.
 */
export async function remove(request: RemoveRequest, ports: Ports): Promise<RemoveResult> {
  return withTarget(request, ports, (place) =>
    publishUntilSettled(place, (round) => removeFrom(place, round)),
  )
}

async function removeFrom(place: Workplace<RemoveRequest>, {found}: Round): Promise<RemoveResult> {
  const {store, request, ports} = place
  const {image, target, publish: how} = request
  const {signal} = ports
  const {reference} = image
  const loaded = await loadTargets(store, found, image, ports)
  const base = descriptorOf(found).digest
  const from = {digest: base, tag: found.tag}
  const moves = await planTagMoves(store, {reference, tags: target.tags, from}, signal)
  const emptied = await emptiedImages(place, loaded)
  const replaced = await findReplaced(moves, base, createReadDocuments(store, signal))
  const note = noteOfRun({note: how.note, version: ports.version}, replaced, loaded.name)
  const make = await emptiedDocument(place, loaded, emptied)
  const {original, attestationsDropped, ...changed} = withFittingNote({replaced, base}, note, make)
  const {digest} = changed.outermost.descriptor
  if (how.noClobber) refuseClobber(moves, digest, store.name)
  const tags = how.dryRun
    ? outstanding(moves, digest).map(({tag}) => tag)
    : await publishKeeping(store, {changed, moves, request}, ports)
  if (!how.dryRun && tags.length > 0)
    await warnOfStale(store, [base], 'the image with the slot', ports)
  return {
    reference: `${repositoryName(reference)}@${digest}`,
    base,
    slot: loaded.name,
    dryRun: how.dryRun,
    digest,
    tags,
    original,
    attestationsDropped,
  }
}

/** An image without its slot. */
interface EmptiedImage {
  readonly before: Image
  readonly after: Image
  /** The remaining image: `after` itself, or an equivalent of it. */
  readonly rest: Image
  /** `after` is exactly the image from before the first injection. */
  readonly original: boolean
}

/** The images that have the slot; if none has it, the error is that of the first image. */
async function emptiedImages(
  {store, request, ports}: Workplace<RemoveRequest>,
  {targets}: LoadedTargets,
): Promise<readonly EmptiedImage[]> {
  const having = targets.filter(({slot}) => slot !== undefined)
  const isAll = request.image.platforms === 'all' && having.length > 0
  const emptied: EmptiedImage[] = []
  for (const target of isAll ? having : targets)
    emptied.push(await withoutSlot(store, target, request.base, ports.signal))
  return emptied
}

/** The remaining document, and whether it is exactly the original one. */
type EmptiedDocument = ChangedDocument & {
  readonly original: boolean
  readonly attestationsDropped: number
}

/** The remaining document, by what is noted in it; nothing where no slot is left. */
async function emptiedDocument(
  {store, request, ports: {signal}}: Workplace<RemoveRequest>,
  {tree, name}: LoadedTargets,
  images: readonly EmptiedImage[],
): Promise<(note: RunNote | undefined) => EmptiedDocument> {
  const [only] = images
  if (!tree) {
    if (!only) throw new TypeError('a removal from nothing')
    return (note) => {
      const image = noted(only, note)
      return {
        outermost: image.after.manifest,
        images: [image],
        indexes: [],
        original: only.original,
        attestationsDropped: 0,
      }
    }
  }
  const beside = await imagesBeside(store, tree, images, signal)
  const left = [...images.map(({after}) => after), ...beside]
  const base = left.every((image) => image && findSlots(image).length === 0) ? 'forget' : 'keep'
  const isGone = left.every((image) => image && !hasSlot(image, name))
  const annotations = isGone ? [{slot: name, texts: undefined}] : []
  const replace = (next: readonly EmptiedImage[], note?: RunNote) => {
    const descriptors = next.map(
      ({before, after}) => [before.manifest.descriptor.digest, after.manifest.descriptor] as const,
    )
    const {attestations = 'drop'} = request.publish
    const kept = base === 'keep' ? (formatNote(note) ?? null) : undefined
    return replaceImages(tree, {
      ...{images: new Map(descriptors), attestations, base, annotations},
      note: kept,
    })
  }
  const whole = replace(images)
  const before = await originalDocument(
    store,
    {before: tree, after: whole.tree},
    request.base,
    signal,
  )
  if (before) return () => ({...before, images, indexes: [], original: true})
  // in an index that was converted to OCI, an original image in Docker's format would not fit
  const kept = images.map((each) =>
    isSameFamily(each) ? each : {...each, after: each.rest, original: false},
  )
  // Docker's lists cannot remember their original, and need not: with the original images in place
  // they are equal to it
  const canRemember = tree.index.descriptor.mediaType === ociIndex
  const original = !canRemember && kept.every((each) => each.original)
  return (note) => {
    const left = canRemember ? kept : kept.map((each) => noted(each, note))
    const {tree: after, changed: indexes} = replace(left, note)
    const dropped = droppedAttestations(tree, after)
    return {outermost: after.index, images: left, indexes, original, attestationsDropped: dropped}
  }
}

/** The image with the note, if any slot is left in it. */
function noted(image: EmptiedImage, note: RunNote | undefined): EmptiedImage {
  if (image.original || findSlots(image.after).length === 0) return image
  return {...image, after: withNote(image.after, note)}
}

function hasSlot(image: Image, name: string): boolean {
  return findSlots(image).some((slot) => slot.name === name)
}

/** The images of the index that keep the slot; `undefined` if an image cannot be read. */
async function imagesBeside(
  store: ContentStore,
  tree: IndexTree,
  emptied: readonly EmptiedImage[],
  signal: AbortSignal,
): Promise<readonly (Image | undefined)[]> {
  const known = new Set(emptied.map(({before}) => before.manifest.descriptor.digest))
  const others = imageEntries(tree).filter(({digest}) => !known.has(digest))
  return Promise.all(others.map(({digest}) => fetchOriginal(store, digest, signal)))
}

/** The image without the slot, or exactly the image from before the first injection. */
async function withoutSlot(
  store: ContentStore,
  {image, name}: Target,
  base: string | undefined,
  signal: AbortSignal,
): Promise<EmptiedImage> {
  const rest = eject(image, name)
  const before = findSlots(rest).length === 0 ? (originOf(image).digest ?? base) : undefined
  const found = before === undefined ? undefined : await fetchOriginal(store, before, signal)
  const original = found !== undefined && isSameImage(rest, found)
  if (!original && rest.manifest.value.layers.length === 0) throw onlyLayer(name)
  return {before: image, after: original ? found : rest, rest, original}
}

function onlyLayer(name: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_ONLY_LAYER',
    `nothing would be left of the image: slot ${name} is all that is in it`,
    {hint: 'replace its content with inject update, or delete the tag in the registry'},
  )
}

function isSameFamily({after, rest}: EmptiedImage): boolean {
  return after.manifest.descriptor.mediaType === rest.manifest.descriptor.mediaType
}

/**
 * The original document, if it has exactly the images that are left: an index, or the single image
 * that an index was made of.
 */
async function originalDocument(
  store: ContentStore,
  {before, after}: {readonly before: IndexTree; readonly after: IndexTree},
  named: string | undefined,
  signal: AbortSignal,
): Promise<Pick<EmptiedDocument, 'outermost' | 'attestationsDropped'> | undefined> {
  const name = originOfIndex(before.index).digest ?? named
  const stored = name === undefined ? undefined : await store.getManifest(name, {signal})
  const document = stored && (await ifUsable(() => Promise.resolve(decodeDocument(stored))))
  if (!document) return undefined
  const left = imageEntries(after).map(({digest}) => digest)
  if (document.kind === 'image') {
    const {manifest: outermost} = document
    const isIt = left.join() === outermost.descriptor.digest
    return isIt ? {outermost, attestationsDropped: ownIn(before)} : undefined
  }
  const {tree} = await loadIndex(store, document.index, signal)
  const digests = imageEntries(tree).map(({digest}) => digest)
  if (digests.join() !== left.join()) return undefined
  return {outermost: tree.index, attestationsDropped: ownIn(before)}
}

/** With the original, what others said of its images is there again. */
function ownIn(tree: IndexTree): number {
  return [...allEntries(tree)].filter(isOwnAttestation).length
}
