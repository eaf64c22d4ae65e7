import {PreconditionError} from '../errors.js'
import type {RunNote} from '../image/follow/run-note.js'
import {findSlots} from '../image/slot.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, type Reference} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {createTargetStore} from '../store/copy/target-store.js'
import type {MadeDocument} from './attest/attest-document.js'
import {attestIfAsked} from './attest/attest-if-asked.js'
import {isSamePlace, mountableFrom} from './copy/places.js'
import {withTarget} from './copy/with-target.js'
import {findDocument} from './find/find-document.js'
import {type ImageRequest, originName} from './find/image-request.js'
import {createReadDocuments} from './find/read-documents.js'
import {describeRebase, type RebaseResult} from './follow/describe-rebase.js'
import {isUnmoved} from './follow/is-unmoved.js'
import {type LoadedImages, loadImages, originOfLoaded} from './follow/load-images.js'
import {originReference, unknownOrigin} from './follow/origin-reference.js'
import {pairImages, type PairedImages, type PlatformPolicy} from './follow/pair-images.js'
import {rebasedDocument} from './follow/rebase-document.js'
import {rebasedImage, type RebasedImage} from './follow/rebased-image.js'
import type {LookPolicy} from './follow/slot-index.js'
import type {PublishRequest, TargetRequest} from './publish/publish-request.js'
import {publishKeeping} from './publish/keep-replaced.js'
import {warnOfLostStatement} from './publish/lost-statement.js'
import {type ChangedDocument, storedDocument} from './publish/publish.js'
import {findReplaced, noteOfRun, withFittingNote} from './publish/run-notes.js'
import {outstanding, planTagMoves, refuseClobber} from './publish/tag-moves.js'
import {publishUntilSettled, type Round, type Workplace} from './publish/until-settled.js'
import {createBaseLayers} from './slot/entries/base-layers.js'
import {saidOnce} from './slot/notices.js'

export type {RebaseResult} from './follow/describe-rebase.js'

/** The options of `rebase`. */
export interface RebaseRequest {
  readonly image: ImageRequest
  readonly target: TargetRequest
  readonly publish: PublishRequest
  /** The image to put the slots on; `undefined`: what the image says that it was made from. */
  readonly onto?: Reference | undefined
  readonly platforms: PlatformPolicy
  readonly look: LookPolicy
  /** Rebase an image of buildpacks although it forbids that. */
  readonly force: boolean
}

/**
 * Puts the slots of an image, or of all images of an index, on the vendor's new one: manifests and
 * configs only, unless a slot has directories of the image (`--parents base`) and these differ.
 * When the vendor's image is the same as before, nothing changes. Throws what `rebasedImage` and
 * `pairImages` throw, and `PreconditionError`: `ERR_INJECT_ORIGIN_UNKNOWN` when the image does not
 * say what it was made from, `ERR_INJECT_ONTO_INJECTED` when the new one has slots of its own.
 */
export async function rebase(request: RebaseRequest, ports: Ports): Promise<RebaseResult> {
  const told = saidOnce(ports)
  return withTarget(request, told, (place) =>
    publishUntilSettled(place, (round) => rebaseFound(place, round)),
  )
}

async function rebaseFound(place: Workplace<RebaseRequest>, {found}: Round): Promise<RebaseResult> {
  const {store, request, ports} = place
  const what = formatReference(request.image.reference)
  const injected = await loadImages(store, found, ports.signal)
  const origin = originOfLoaded(injected)
  const onto = request.onto ?? originReference(origin, request.image.reference)
  if (!onto) throw unknownOrigin(origin, what, '--onto')
  const vendor = await ports.openStore(onto, {writes: false})
  try {
    const document = await findDocument(vendor, onto, ports)
    const images = await loadImages(vendor, document, ports.signal)
    const from = {digest: injected.digest, tag: found.tag}
    return await rebaseOnto({...place, injected, onto: {reference: onto, images}, from}, vendor)
  } finally {
    await vendor.close()
  }
}

/** One round, with everything that it reads. */
interface RebaseRound extends Workplace<RebaseRequest> {
  readonly injected: LoadedImages
  readonly onto: {readonly reference: Reference; readonly images: LoadedImages}
  readonly from: {readonly digest: Digest; readonly tag: string | undefined}
}

async function rebaseOnto(round: RebaseRound, vendor: ContentStore): Promise<RebaseResult> {
  const {request, ports, injected, onto, from} = round
  const {image, target, publish: how} = request
  const {signal} = ports
  const store = joinedStore(round, vendor)
  const {digest: base} = injected
  const wanted = {reference: image.reference, tags: target.tags, from}
  const moves = await planTagMoves(store, wanted, signal)
  const paired = isUnmoved(injected, onto.images) ? undefined : pairsOf(round)
  const images = paired ? await rebasedImages(round, paired, store) : []
  const parts = {
    ...{injected, onto: onto.images, images, attestations: how.attestations ?? 'drop'},
    isElsewhere: store !== round.store,
    describeInIndex: ports.attest?.describeInIndex,
    origin: originName(onto.reference),
  }
  const replaced = await findReplaced(moves, base, createReadDocuments(store, signal))
  const noted = noteOfRun({note: how.note, version: ports.version}, replaced)
  const make = (note: RunNote | undefined) => rebasedDocument(parts, note)
  const isKnown = images.every(({after}) => after !== undefined)
  const rebased = paired && isKnown ? withFittingNote({replaced, base}, noted, make) : undefined
  const changed = paired ? rebased : await sameDocument(store, base, signal)
  const digest = changed?.outermost.descriptor.digest
  if (how.noClobber) refuseClobber(moves, digest, store.name)
  const planned = (digest === undefined ? moves : outstanding(moves, digest)).map(({tag}) => tag)
  const isPublished = !how.dryRun && changed !== undefined
  const attestation = isPublished
    ? await attestIfAsked(store, madeDocument(round, changed, planned), ports)
    : undefined
  if (!how.dryRun && planned.length > 0)
    ports.report({kind: 'step', step: 'publish', on: store.name})
  const tags = isPublished ? await publishKeeping(store, {changed, moves, request}, ports) : planned
  if (isPublished && digest !== undefined) await warnOfLostStatement(store, {digest, moves}, ports)
  const outcome = {...parts, paired, digest, tags, reference: onto.reference}
  return {...describeRebase(outcome, request), ...(attestation && {attestation})}
}

/** What the run made, to be attested. */
function madeDocument(
  {request: {image, target}, injected}: RebaseRound,
  {outermost, images}: ChangedDocument,
  planned: readonly string[],
): MadeDocument {
  return {
    outermost,
    images: images.map(({after}) => after),
    place: target.to ?? image.reference,
    from: {reference: image.reference, digest: injected.digest},
    isKnown: planned.length === 0,
  }
}

/** Throws what `pairImages` throws, and what is wrong with the new image. */
function pairsOf({request, injected, onto}: RebaseRound): PairedImages {
  const what = formatReference(request.image.reference)
  const paired = pairImages(injected, onto.images, request.platforms, what)
  // they would be taken for layers of the vendor's
  if (paired.pairs.some((pair) => findSlots(pair.onto.image).length > 0)) {
    throw new PreconditionError(
      'ERR_INJECT_ONTO_INJECTED',
      `${formatReference(onto.reference)} has slots itself, and is not the vendor's image`,
      {hint: 'name the image without slots with --onto, by its digest if its tag was moved'},
    )
  }
  return paired
}

async function rebasedImages(
  {request, ports, onto}: RebaseRound,
  {pairs}: PairedImages,
  store: ContentStore,
): Promise<readonly RebasedImage[]> {
  const {look, force, publish: how} = request
  const layers = createBaseLayers(store, ports)
  const options = {onto: onto.reference, look, force, dryRun: how.dryRun, layers}
  const images: RebasedImage[] = []
  for (const pair of pairs) images.push(await rebasedImage(store, pair, options, ports))
  return images
}

/** Reads both images, and brings what the result needs to where it goes: mounted if possible. */
function joinedStore({store, request, onto}: RebaseRound, vendor: ContentStore): ContentStore {
  const {image, target} = request
  const result = target.to ?? image.reference
  if (isSamePlace(onto.reference, result)) return store
  const mountFrom = [onto.reference, image.reference].flatMap((from) => mountableFrom(from, result))
  return createTargetStore(vendor, store, {mountFrom: [...new Set(mountFrom)]})
}

/** What the tag names now, for tags that do not name it yet. */
async function sameDocument(store: ContentStore, digest: Digest, signal: AbortSignal) {
  const stored = await store.getManifest(digest, {signal})
  return stored && storedDocument(stored)
}
