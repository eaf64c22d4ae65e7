import {generateKeyPairSync} from 'node:crypto'
import {encodeStatement, type Statement, statementAbout} from '../../src/attest/statement.js'
import {bundleType, cosignSignatureType, predicateAnnotation} from '../../src/attest/types.js'
import type {Image} from '../../src/image/image.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {type Digest, digestOf} from '../../src/oci/digest.js'
import {ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {putArtifact} from '../../src/operations/attest/put-artifact.js'
import {readDocument, readReferrers} from '../../src/operations/attest/read-referrers.js'
import {fetchImage} from '../../src/operations/find/fetch-image.js'
import {update} from '../../src/operations/update.js'
import {verify, type VerifyRequest} from '../../src/operations/verify.js'
import type {AttestPorts} from '../../src/ports.js'
import {createKeySigner} from '../../src/signing/key-signer.js'
import {keyChecks} from '../../src/signing/signature-checks.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {referrersTag} from '../../src/store/referrer-lister.js'
import {bytesSource} from './layout-image.js'
import {severalPlaces} from './several-places.js'
import {type UpdateOptions, updateRequest} from './update-options.js'
import {makeTree} from './vendor.js'

export const vendorName = 'registry.example/vendor/app'
export const ourName = 'registry.example/team/app'

/** A key pair of one party. */
export function makeParty() {
  const {privateKey, publicKey} = generateKeyPairSync('ec', {namedCurve: 'P-256'})
  return {privateKey, publicKey, signer: createKeySigner(privateKey), checks: keyChecks(publicKey)}
}

export type Party = ReturnType<typeof makeParty>

/** How a run of a test attests its result. */
export function attestBy(party: Party | undefined, more: Partial<AttestPorts> = {}): AttestPorts {
  return {
    run: {command: 'update', flags: {path: '/'}, version: '1.2.3', node: 'v20.17.0'},
    signer: party?.signer,
    signs: party !== undefined,
    signsImages: false,
    describeInIndex: undefined,
    sbom: undefined,
    describeSource: () => Promise.resolve(undefined),
    now: () => new Date('2026-01-01T12:00:00Z'),
    ...more,
  }
}

/** When the tests verify, seconds since the epoch: an hour after the statements. */
export const verifyTime = Date.parse('2026-01-01T13:00:00Z') / 1000

/** A vendor's image, signed by the vendor, and ours made from it, with a signed statement. */
export async function attestedScene(
  putVendor: (store: ContentStore) => Promise<Descriptor>,
  options: Partial<UpdateOptions> = {},
  more: Partial<AttestPorts> = {},
) {
  const places = severalPlaces()
  const [us, them] = [makeParty(), makeParty()]
  const [ours, vendor] = [places.place(ourName), places.place(vendorName)]
  const original = await putVendor(vendor)
  await putSignature(vendor, original, them)
  const directory = await makeTree({'cvmfs/file': 'content'})
  const [reference, to] = [`${vendorName}:v1`, `${ourName}:data`].map(parseReference)
  if (!reference) throw new Error('no reference')
  const result = await update(updateRequest({reference, to, directory, ...options}), {
    ...places,
    attest: attestBy(us, more),
  })
  const {digest} = result
  if (!digest) throw new Error('nothing was made')
  const check = (more: Partial<VerifyRequest> = {}) => {
    const needed = new Set(['content', 'statement', 'vendor-signature'] as const)
    const request = {signer: us.checks, vendorSigner: them.checks, now: verifyTime, needed}
    return verify({reference: parseReference(`${ourName}:data`), ...request, ...more}, places)
  }
  return {places, ours, vendor, us, them, original, digest, check}
}

export type Scene = Awaited<ReturnType<typeof attestedScene>>

/** What cosign says of an image that it signs. */
export async function putSignature(
  store: ContentStore,
  subject: Descriptor,
  {signer}: Party,
  about: Digest = subject.digest,
): Promise<void> {
  const statement = statementAbout([{name: store.name, digest: about}], cosignSignatureType, {})
  await putBundle(
    store,
    subject,
    await signer.sign(encodeStatement(statement)),
    cosignSignatureType,
  )
}

/** A bundle as a referrer. */
export async function putBundle(
  store: ContentStore,
  subject: Descriptor,
  bytes: Uint8Array,
  predicateType = 'https://slsa.dev/provenance/v1',
): Promise<void> {
  const annotations = {[predicateAnnotation]: predicateType}
  await putArtifact(store, [subject], {bytes, mediaType: bundleType, annotations}, {})
}

/** The image that our tag names. */
export async function taggedImage({ours}: Pick<Scene, 'ours'>): Promise<Image> {
  const image = await fetchImage(ours, 'data', new AbortController().signal)
  if (!image) throw new Error('no image')
  return image
}

/** The bundle that was made for a manifest, and its statement. */
export async function bundleOf({ours, digest}: Pick<Scene, 'ours' | 'digest'>) {
  const [referrer] = await readReferrers(ours, digest, {})
  const [blob] = referrer?.blobs ?? []
  if (!blob) throw new Error('no bundle')
  const bytes = await readDocument(ours, blob, {})
  const bundle = JSON.parse(Buffer.from(bytes).toString()) as BundleJson
  const payload = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString()
  return {bytes, bundle, statement: JSON.parse(payload) as Statement, descriptor: blob}
}

export interface BundleJson {
  verificationMaterial: Record<string, unknown>
  dsseEnvelope: {payload: string; payloadType: string; signatures: {sig: string}[]}
}

/** Nothing refers to a manifest any more. */
export async function dropReferrers(store: ContentStore, digest: Digest): Promise<void> {
  await listReferrers(store, digest, [])
}

/** Makes the list of referrers this one, whatever it was. */
export async function listReferrers(
  store: ContentStore,
  digest: Digest,
  manifests: readonly Descriptor[],
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests}))
  await store.putManifest(bytes, ociIndex, {
    tags: [{tag: referrersTag(digest), from: undefined}],
  })
}

/** Any JSON manifest, without a tag. */
export async function putManifest(store: ContentStore, manifest: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(manifest))
  return store.putManifest(bytes, ociManifest, {tags: []})
}

export async function putBlob(store: ContentStore, mediaType: string, text: string) {
  const bytes = Buffer.from(text)
  await store.putBlob(bytesSource(bytes))
  return {mediaType, digest: digestOf(bytes), size: bytes.length}
}

export interface ManifestJson {
  config: Descriptor
  layers: (Descriptor & Record<string, unknown>)[]
  annotations: Record<string, string>
  [member: string]: unknown
}

export interface ConfigJson {
  config: Record<string, unknown> & {Labels: Record<string, string>}
  rootfs: {diff_ids: string[]}
  history: Record<string, unknown>[]
  [member: string]: unknown
}

/**
 * Replaces our image by one with other documents, whose digests all fit, and attaches the bundle of
 * the old one to it.
 */
export async function forgeImage(
  scene: Scene,
  edit: (manifest: ManifestJson, config: ConfigJson) => void,
): Promise<void> {
  const {ours} = scene
  const {manifest, config} = await taggedImage(scene)
  const next = parse(manifest.bytes) as ManifestJson
  const nextConfig = parse(config.bytes) as ConfigJson
  edit(next, nextConfig)
  const text = JSON.stringify(nextConfig)
  next.config = {...next.config, ...(await putBlob(ours, next.config.mediaType, text))}
  const bytes = Buffer.from(JSON.stringify(next))
  const tags = [{tag: 'data', from: undefined}]
  const put = await ours.putManifest(bytes, manifest.descriptor.mediaType, {tags})
  await putBundle(ours, put, (await bundleOf(scene)).bytes)
}

function parse(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString())
}
