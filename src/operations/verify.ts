import type {Claim, ClaimName} from '../attest/claims.js'
import type {ImageRecord} from '../attest/provenance.js'
import {sbomFormatOf} from '../attest/sbom/sbom.js'
import {findSlots} from '../image/slot.js'
import {chooseImages, type PlatformChoice} from '../image/platforms.js'
import type {Digest} from '../oci/digest.js'
import {formatReference, type Reference, repositoryName} from '../oci/names/reference.js'
import {formatPlatform} from '../oci/platform.js'
import type {Ports} from '../ports.js'
import type {SignatureChecks} from '../signing/signature-checks.js'
import type {ContentStore} from '../store/content-store.js'
import {placesOf, proveContent, type VendorPlaces} from './attest/content-claim.js'
import {proveSignature} from './attest/signature-claim.js'
import {proveStatement, type StatementSubject} from './attest/statement-claim.js'
import {type FoundReferrer, readReferrers} from './attest/read-referrers.js'
import {findDocument} from './find/find-document.js'
import {
  type LoadedImages,
  loadImages,
  originOfLoaded,
  type PlacedImage,
} from './follow/load-images.js'
import {originReference} from './follow/origin-reference.js'
import {proveIndex} from './follow/prove-index.js'

/** The options of `verify`. */
export interface VerifyRequest {
  readonly reference: Reference
  /** Which images of an index; `undefined`: all. */
  readonly platforms?: PlatformChoice | undefined
  /** Who must have signed statements; `undefined`: statements are not looked at. */
  readonly signer?: SignatureChecks | undefined
  /** The vendor's image; `undefined`: what the image says that it was made from. */
  readonly vendor?: Reference | undefined
  /** Who must have signed the vendor's image. */
  readonly vendorSigner?: SignatureChecks | undefined
  /** Seconds. */
  readonly maxAge?: number | undefined
  /** Seconds since the epoch. */
  readonly now: number
  /** Claims without which the check fails. */
  readonly needed: ReadonlySet<ClaimName>
}

export interface VerifyResult {
  readonly reference: string
  readonly digest: Digest
  /** Whether all claims that are needed are proven. */
  readonly proven: boolean
  readonly claims: readonly Claim[]
}

/** One check, with everything that it reads. */
interface Check {
  readonly store: ContentStore
  readonly request: VerifyRequest
  readonly places: VendorPlaces
  readonly ports: Ports
}

/**
 * Proves that an image, or each image of an index, is a vendor's image with slots, that a known
 * party says so, and that the vendor signed it. Reads manifests, configs and what refers to them,
 * never a layer. What cannot be proven is a claim of the result; only what cannot be read is
 * thrown.
 */
export async function verify(request: VerifyRequest, ports: Ports): Promise<VerifyResult> {
  const {reference} = request
  const store = await ports.openStore(reference, {writes: false})
  const opened: ContentStore[] = []
  const open = async (place: Reference): Promise<ContentStore> => {
    const other = await ports.openStore(place, {writes: false})
    opened.push(other)
    return other
  }
  try {
    const loaded = await loadImages(
      store,
      await findDocument(store, reference, ports),
      ports.signal,
    )
    const vendor = originReference(originOfLoaded(loaded), reference)
    const said = request.vendor && (await open(request.vendor))
    let far: Promise<ContentStore> | undefined
    const places: VendorPlaces = {
      said,
      near: store,
      far: () => (vendor ? (far ??= open(vendor)) : Promise.resolve(undefined)),
    }
    const claims = await claimsOf({store, request, places, ports}, loaded)
    return {
      reference: `${repositoryName(reference)}@${loaded.digest}`,
      digest: loaded.digest,
      proven: claims.every(({proven, needed}) => proven || !needed),
      claims,
    }
  } finally {
    for (const each of [...opened, store]) await each.close()
  }
}

async function claimsOf(check: Check, loaded: LoadedImages): Promise<readonly Claim[]> {
  const {request} = check
  const images = chosenImages(loaded, request)
  const index = loaded.tree ? await ofIndex(check, loaded) : undefined
  const claims: Claim[] = [...(index?.claims ?? [])]
  const vendors = new Map<Digest, Digest>()
  for (const image of images) {
    const own = await ofImage(check, image, index?.referrers ?? [])
    claims.push(...own.claims)
    if (own.vendor) vendors.set(image.image.manifest.descriptor.digest, own.vendor)
  }
  if (loaded.tree) {
    const evidence = {vendors, places: check.places, records: index?.records ?? []}
    const proof = await proveIndex(loaded, evidence, check.ports)
    claims.push(claimOf(check, 'content', {digest: loaded.digest, platform: null}, proof))
  }
  if (request.vendorSigner) claims.push(await ofVendor(check, loaded, [...vendors.values()]))
  return claims
}

interface Subject {
  readonly digest: Digest
  readonly platform: string | null
}

function claimOf(
  {request: {needed}}: Pick<Check, 'request'>,
  claim: ClaimName,
  {digest: subject, platform}: Subject,
  {proven, detail}: {readonly proven: boolean; readonly detail: string},
): Claim {
  return {claim, subject, platform, proven, needed: needed.has(claim), detail}
}

async function ofIndex(check: Check, {digest}: LoadedImages) {
  const referrers = await readReferrers(check.store, digest, {signal: check.ports.signal})
  const own = await ofManifest(check, {digest, referrers, image: undefined}, null)
  return {...own, referrers}
}

async function ofImage(
  check: Check,
  image: PlacedImage,
  ofOutermost: readonly FoundReferrer[],
): Promise<{readonly claims: readonly Claim[]; readonly vendor: Digest | undefined}> {
  const {store, places, ports} = check
  const {digest} = image.image.manifest.descriptor
  const platform = formatPlatform(image.platform)
  const content = await proveContent(image.image, places, ports.signal)
  const claims = [claimOf(check, 'content', {digest, platform}, content)]
  // what a run left as it was is the vendor's, and nothing is said of it
  if (findSlots(image.image).length === 0) return {claims, vendor: content.vendor}
  const own = await readReferrers(store, digest, {signal: ports.signal})
  const referrers = own.length > 0 ? own : ofOutermost
  const {claims: more} = await ofManifest(check, {digest, referrers, image}, platform)
  return {claims: [...more, ...claims], vendor: content.vendor}
}

/** What is said of a manifest. */
async function ofManifest(
  check: Check,
  subject: StatementSubject,
  platform: string | null,
): Promise<{readonly claims: readonly Claim[]; readonly records: readonly ImageRecord[]}> {
  const {store, request, ports} = check
  const {signer, maxAge, now, needed} = request
  const {digest, referrers, image} = subject
  const about = {digest, platform}
  const claims: Claim[] = []
  let records: readonly ImageRecord[] = []
  if (signer) {
    const proof = await proveStatement(store, subject, {checks: signer, maxAge, now}, ports.signal)
    records = proof.records
    claims.push(claimOf(check, 'statement', about, proof))
    const signature = await proveSignature(store, {digest, referrers}, signer, ports.signal)
    if (signature.proven || needed.has('signature'))
      claims.push(claimOf(check, 'signature', about, signature))
  }
  if (needed.has('sbom') && image) {
    const list = referrers.find((each) => sbomFormatOf(each.predicateType) !== undefined)
    const detail = list ? `listed by ${list.descriptor.digest}` : 'there is no list of its files'
    claims.push(claimOf(check, 'sbom', about, {proven: list !== undefined, detail}))
  }
  return {claims, records}
}

/** The vendor's own signature: of its index, or of each of its images. */
async function ofVendor(
  check: Check,
  loaded: LoadedImages,
  images: readonly Digest[],
): Promise<Claim> {
  const {request, places, ports} = check
  const {vendorSigner: signer} = request
  if (!signer) throw new TypeError('no signer')
  const index = originOfLoaded(loaded).digest
  const subject = {digest: index ?? loaded.digest, platform: null}
  let detail = 'it is not known which image of the vendor this is'
  const isSigned = async (digest: Digest): Promise<boolean> => {
    for await (const store of placesOf(places)) {
      if (places.said && store !== places.said) break
      const referrers = await readReferrers(store, digest, {signal: ports.signal})
      const proof = await proveSignature(store, {digest, referrers}, signer, ports.signal)
      detail = `${digest}: ${proof.detail}`
      if (proof.proven) return true
    }
    return false
  }
  // the digest of the index is trusted only as far as its images were found in it
  const all = new Set(images)
  const isWhole = all.size > 0
  let proven = false
  if (isWhole && index !== undefined && loaded.tree) proven = await isSigned(index)
  if (!proven && isWhole) {
    proven = true
    for (const digest of all) proven = proven && (await isSigned(digest))
  }
  return claimOf(check, 'vendor-signature', subject, {proven, detail})
}

/** Throws what `chooseImages` throws. */
function chosenImages(
  {tree, images}: LoadedImages,
  {platforms, reference}: VerifyRequest,
): readonly PlacedImage[] {
  if (!tree || platforms === undefined || platforms === 'all') return images
  const entries = images.map(({platform, image}) => ({platform, entry: image.manifest.descriptor}))
  const chosen = chooseImages(entries, platforms, formatReference(reference))
  const digests = new Set(chosen.map(({entry}) => entry.digest))
  return images.filter(({image}) => digests.has(image.manifest.descriptor.digest))
}
