import {indexAttestation} from '../../attest/index-attestation.js'
import type {ImageRecord} from '../../attest/provenance.js'
import {unlessFailed} from '../../errors.js'
import {decodeDocument, type Document} from '../../image/document.js'
import {allEntries} from '../../image/index/index-tree.js'
import type {PlatformImage} from '../../image/platforms.js'
import {attestationForm, ownAttestation} from '../../oci/annotation.js'
import type {Digest} from '../../oci/digest.js'
import {attested, isOwnAttestation} from '../../oci/image-index.js'
import {formatPlatform, platformOf} from '../../oci/platform.js'
import type {Ports} from '../../ports.js'
import type {ContentStore} from '../../store/content-store.js'
import {placesOf, type VendorPlaces} from '../attest/content-claim.js'
import {fetchOriginal} from '../find/fetch-original.js'
import {loadIndex} from '../find/load-index.js'
import {type LoadedImages, originOfLoaded} from './load-images.js'

/** What is known of the images of an index. */
export interface IndexEvidence {
  /** The vendor's image below each image, by the digest of that; only where it is proven. */
  readonly vendors: ReadonlyMap<Digest, Digest>
  /** Where the vendor's index may be. */
  readonly places: VendorPlaces
  /** What a signed statement of the index records. */
  readonly records: readonly ImageRecord[]
}

/**
 * Whether the images of an index are made from those of one index of the vendor's, platform by
 * platform: by the vendor's index, or, where that is not there, by a signed statement.
 */
export async function proveIndex(
  loaded: LoadedImages,
  {vendors, places, records}: IndexEvidence,
  {signal}: Pick<Ports, 'signal'>,
): Promise<{readonly proven: boolean; readonly detail: string}> {
  const wrong = wrongAttestation(loaded)
  if (wrong !== undefined) return failed(wrong)
  const {digest} = originOfLoaded(loaded)
  // Docker's lists cannot say it
  if (digest === undefined && records.length === 0)
    return failed('the index does not say which index it was made from')
  const expected =
    digest === undefined
      ? undefined
      : await vendorsImages(records.length > 0 ? withoutFar(places) : places, digest, signal)
  const known = expected ?? new Map(records.map((each) => [each.digest, each.vendor] as const))
  if (!expected && records.length === 0)
    return failed(`the vendor's index ${digest} is not there to compare with`)
  for (const {image, platform} of loaded.images) {
    const own = image.manifest.descriptor.digest
    const vendor = vendors.get(own)
    // those that were not chosen are not judged
    if (vendor === undefined) continue
    const name = formatPlatform(platform)
    // an image that no run touched is the vendor's own
    const isRecorded = vendor === own || known.get(own) === vendor
    const isThere = expected ? expected.get(name)?.has(vendor) : isRecorded
    if (isThere !== true)
      return failed(`the image for ${name} is not made from that of the vendor's index`)
  }
  const detail = expected
    ? `its images are made from those of the vendor's index ${digest}`
    : "its images are made from the vendor's, as the signed statement says"
  return {proven: true, detail}
}

/** Why what `inject` says in the index is not what it says of these images. */
function wrongAttestation({tree, images}: LoadedImages): string | undefined {
  const entries = tree ? [...allEntries(tree)].filter(isOwnAttestation) : []
  for (const entry of entries) {
    const made = images.find(({image}) => image.manifest.descriptor.digest === attested(entry))
    const isCurrent = entry.annotations?.[attestationForm] === ownAttestation
    if (!made || !isCurrent) continue
    if (indexAttestation(made.image).manifest.descriptor.digest === entry.digest) continue
    return `the attestation of the image for ${formatPlatform(made.platform)} in the index is not that of inject`
  }
  return undefined
}

/** A signed statement saves asking elsewhere, which can be out of reach. */
function withoutFar(places: VendorPlaces): VendorPlaces {
  return {...places, far: () => Promise.resolve(undefined)}
}

/** The images of the vendor's index, by their platforms; `undefined` if it is nowhere. */
async function vendorsImages(
  places: VendorPlaces,
  digest: Digest,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<Digest>> | undefined> {
  for await (const store of placesOf(places)) {
    const stored = await store.getManifest(digest, {signal})
    const document = stored && (await unlessFailed(() => Promise.resolve(decodeDocument(stored))))
    if (!document) continue
    const found = new Map<string, Set<Digest>>()
    for (const {entry, platform} of await platformImages(store, document, signal)) {
      const name = formatPlatform(platform)
      found.set(name, (found.get(name) ?? new Set()).add(entry.digest))
    }
    return found
  }
  return undefined
}

/** Of an index, or the single image that an index was made of. */
async function platformImages(
  store: ContentStore,
  document: Document,
  signal: AbortSignal,
): Promise<readonly PlatformImage[]> {
  if (document.kind === 'index') return (await loadIndex(store, document.index, signal)).images
  const entry = document.manifest.descriptor
  const image = await fetchOriginal(store, entry.digest, signal)
  return image ? [{entry, platform: platformOf(image.config.value)}] : []
}

function failed(detail: string): {readonly proven: boolean; readonly detail: string} {
  return {proven: false, detail}
}
