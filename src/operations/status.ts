import {InjectError, NotFoundError} from '../errors.js'
import {descriptorOf} from '../image/document.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, type Reference} from '../oci/names/reference.js'
import type {Ports} from '../ports.js'
import type {ContentStore} from '../store/content-store.js'
import {inLanes} from '../stream/in-lanes.js'
import {findDocument, type FoundDocument} from './find/find-document.js'
import {graftsIn, type GraftStatus, graftStatus, isOnlySlots} from './follow/grafts.js'
import {isUnmoved} from './follow/is-unmoved.js'
import {type LoadedImages, loadImages, originOfLoaded} from './follow/load-images.js'
import {hasMergedFiles, withMergedFiles} from './follow/merged-status.js'
import {originReference, unknownOrigin} from './follow/origin-reference.js'
import type {ImagePair} from './follow/pair-images.js'
import {
  movedPlatforms,
  type PlatformStatus,
  startStatus,
  type StatusStart,
} from './follow/status-of-image.js'
import {referrersOf, type ReferrerCount} from './injection/left-behind.js'
import {update, type UpdateRequest} from './update.js'

/** The options of `status`. */
export interface StatusRequest {
  readonly images: readonly Reference[]
  /** Names the vendor's image for images that do not say what they were made from. */
  readonly base?: Reference | undefined
  /** What the slots are compared with; `undefined`: nothing. */
  readonly content?: ((image: Reference) => UpdateRequest) | undefined
}

/** The state of one image. */
export interface ImageStatus {
  readonly reference: string
  readonly digest: Digest | null
  /** The vendor's reference; `null` if it is not known. */
  readonly vendor: string | null
  /** The vendor's image or index, before and now; `null` if it is not known. */
  readonly from: Digest | null
  readonly to: Digest | null
  readonly moved: boolean
  readonly platforms: readonly PlatformStatus[]
  /** Slots whose content was taken from other images. */
  readonly grafts: readonly GraftStatus[]
  /** Whether the slot differs from the directory; `null`: there is none to compare with. */
  readonly differs: boolean | null
  /** Signatures and the like that refer to the vendor's old and new image, and to this one. */
  readonly referrers: readonly ReferrerCount[]
  /** Why the state is not known. */
  readonly error: {
    readonly code: string
    readonly message: string
    /** What to do about it. */
    readonly hint?: string
  } | null
}

export interface StatusResult {
  readonly images: readonly ImageStatus[]
  /** Whether something would change: a vendor's image moved, or a slot differs. */
  readonly changed: boolean
  /** The first failure; the state of its image is not known. */
  readonly failure: InjectError | undefined
}

/** The number of images that are checked concurrently. */
const atOnce = 8

/**
 * Tells for each image whether the vendor's tag has moved since, and whether its slot differs from
 * a directory. An image that did not move costs three requests. An image whose state cannot be told
 * does not keep the others from being told.
 */
export async function status(request: StatusRequest, ports: Ports): Promise<StatusResult> {
  const found = new Map<Reference, ImageStatus>()
  let failure: InjectError | undefined
  const vendors = createVendors(ports)
  const look = async (image: Reference): Promise<void> => {
    try {
      found.set(image, await statusOf(image, request, vendors, ports))
    } catch (error) {
      if (!(error instanceof InjectError)) throw error
      failure ??= error
      const {code, message, hint} = error
      const shown = {code, message, ...(hint === undefined ? {} : {hint})}
      found.set(image, {...unknown, reference: formatReference(image), error: shown})
    }
  }
  // a directory is compared with one image after the other: that takes all of the machine
  await inLanes(request.images, look, {
    width: request.content ? 1 : atOnce,
    signal: ports.signal,
  })
  const images = request.images.flatMap((image) => found.get(image) ?? [])
  const changed = images.some(
    ({moved, differs, grafts}) => moved || differs === true || grafts.some((each) => each.moved),
  )
  return {images, changed, failure}
}

const unknown = {
  digest: null,
  vendor: null,
  from: null,
  to: null,
  moved: false,
  platforms: [],
  grafts: [],
  differs: null,
  referrers: [],
}

async function statusOf(
  reference: Reference,
  {base, content}: StatusRequest,
  vendors: Vendors,
  ports: Ports,
): Promise<ImageStatus> {
  const {signal} = ports
  const store = await ports.openStore(reference, {writes: false})
  try {
    const what = formatReference(reference)
    const document = await findDocument(store, reference, ports)
    const start = await startStatus(store, document, signal)
    const found = await graftsIn(store, document, start.images, signal)
    const grafts = await graftStatus(found, reference, (named) => vendors.digestOf(named))
    const vendor = originReference(start.origin, reference) ?? base
    const from = start.origin.digest
    const known = {...{reference: what, digest: start.digest, from: from ?? null}, error: null}
    let moved
    if (vendor) {
      const to = await vendors.digestOf(vendor)
      const isSame = from === to || start.digest === to
      const compared = isSame
        ? {moved: false, platforms: start.platforms, referrers: []}
        : await compare(store, {start, document, vendor, what}, vendors, ports)
      moved = {...known, ...compared, vendor: formatReference(vendor), to, grafts}
    } else {
      if (!start.images || !isOnlySlots(start.images))
        throw unknownOrigin(start.origin, what, '--base')
      const {platforms} = start
      moved = {
        ...known,
        ...{platforms, grafts, referrers: []},
        vendor: null,
        to: null,
        moved: false,
      }
    }
    if (!content) return {...moved, differs: null}
    const compared = await update(content(reference), ports)
    return {...moved, ...withDifferences(moved.platforms, compared)}
  } finally {
    await store.close()
  }
}

/** The platforms, with the effect of an update on each. */
function withDifferences(
  platforms: readonly PlatformStatus[],
  result: Awaited<ReturnType<typeof update>>,
): Pick<ImageStatus, 'differs' | 'platforms'> {
  const differs = new Map(
    'images' in result ? result.images.map((image) => [image.platform, image.changed]) : [],
  )
  const differsFor = ({platform}: PlatformStatus) =>
    'images' in result ? (differs.get(platform) ?? null) : result.changed
  return {
    differs: result.changed,
    platforms: platforms.map((each) => ({...each, differs: differsFor(each)})),
  }
}

/** The comparison after the vendor's tag has moved. */
interface Comparison {
  readonly start: StatusStart
  readonly document: FoundDocument
  readonly vendor: Reference
  readonly what: string
}

async function compare(
  store: ContentStore,
  {start, document, vendor, what}: Comparison,
  vendors: Vendors,
  ports: Ports,
): Promise<Pick<ImageStatus, 'moved' | 'platforms' | 'referrers'>> {
  const injected = start.images ?? (await loadImages(store, document, ports.signal))
  const images = await vendors.imagesOf(vendor)
  const {platforms: known, pairs} = movedPlatforms(injected, images, what)
  const platforms = hasMergedFiles(injected)
    ? await vendors.withMergedFiles(vendor, known, pairs)
    : known
  // an image of one platform stays when the vendor's index moves for others
  if (isUnmoved(injected, images)) return {moved: false, platforms, referrers: []}
  const before = originOfLoaded(injected).digest
  const referrers = [
    ...(before ? [await vendors.referrersOf(vendor, before, 'vendor before')] : []),
    await vendors.referrersOf(vendor, images.digest, 'vendor now'),
    await referrersOf(store, injected.digest, 'image', ports),
  ].filter(({kinds}) => kinds.length > 0)
  return {moved: true, platforms, referrers}
}

/** Vendors' images; each is asked for once in a run. */
interface Vendors {
  digestOf(reference: Reference): Promise<Digest>
  imagesOf(reference: Reference): Promise<LoadedImages>
  withMergedFiles(
    reference: Reference,
    platforms: readonly PlatformStatus[],
    pairs: readonly ImagePair[],
  ): Promise<readonly PlatformStatus[]>
  referrersOf(
    reference: Reference,
    subject: Digest,
    of: ReferrerCount['of'],
  ): Promise<ReferrerCount>
}

function createVendors(ports: Ports): Vendors {
  const {signal} = ports
  const digests = new Map<string, Promise<Digest>>()
  const images = new Map<string, Promise<LoadedImages>>()
  const open = async <T>(reference: Reference, work: (store: ContentStore) => Promise<T>) => {
    const store = await ports.openStore(reference, {writes: false})
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }
  const once = <T>(known: Map<string, Promise<T>>, reference: Reference, ask: () => Promise<T>) => {
    const key = formatReference(reference)
    const answer = known.get(key) ?? ask()
    known.set(key, answer)
    return answer
  }
  return {
    digestOf: (reference) =>
      once(digests, reference, () =>
        open(reference, async (store) => {
          // a HEAD request; a place on disk has no `latest`, so its only image is read
          const name = reference.digest ?? reference.tag
          if (reference.kind !== 'registry' || name === undefined)
            return descriptorOf(await findDocument(store, reference, ports)).digest
          const digest = await store.statManifest(name, {signal})
          if (digest !== undefined) return digest
          throw vendorGone(formatReference(reference))
        }),
      ),
    imagesOf: (reference) =>
      once(images, reference, () =>
        open(reference, async (store) =>
          loadImages(store, await findDocument(store, reference, ports), signal),
        ),
      ),
    withMergedFiles: (reference, platforms, pairs) =>
      open(reference, (store) => withMergedFiles(store, platforms, pairs, ports)),
    referrersOf: (reference, subject, of) =>
      open(reference, (store) => referrersOf(store, subject, of, ports)),
  }
}

function vendorGone(reference: string): NotFoundError {
  return new NotFoundError(
    'ERR_INJECT_IMAGE_NOT_FOUND',
    `the vendor's image ${reference} no longer exists`,
    {hint: 'use inject rebase --onto REF to follow another one'},
  )
}
