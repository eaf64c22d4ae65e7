import type {DescribeInIndex, IndexAttestation} from '../../attest/index-attestation.js'
import {decodeDocument, descriptorOf} from '../../image/document.js'
import {originOf} from '../../image/follow/origin.js'
import type {Image} from '../../image/image.js'
import {imageEntries} from '../../image/index/index-tree.js'
import {replaceImages} from '../../image/index/replace-images.js'
import {wrapImage} from '../../image/index/wrap-image.js'
import {findSlots} from '../../image/slot.js'
import type {Digest} from '../../oci/digest.js'
import type {Reference} from '../../oci/names/reference.js'
import type {Ports} from '../../ports.js'
import {streamOf} from '../../stream/bytes.js'
import {attestIfAsked, lacksStatement} from '../attest/attest-if-asked.js'
import {fetchImage, imageOf} from '../find/fetch-image.js'
import {loadIndex, unlessArtifact} from '../find/load-index.js'
import {refuseDockersFormat} from '../publish/attestable.js'
import type {ImagePlace} from './image-place.js'
import type {StagedStore} from './staged-store.js'

/**
 * The document with what its index is to say of its images beside them, in the staged store: the
 * same one if that is there already, or not asked for. A single image becomes an index.
 */
export async function describeStaged(
  staged: StagedStore,
  digest: Digest,
  {attest, signal}: Pick<Ports, 'attest' | 'signal'>,
): Promise<Digest> {
  const describe = attest?.describeInIndex
  if (!describe) return digest
  const document = await stagedDocument(staged, digest, signal)
  if (document.kind === 'image') {
    const [attestation] = attestationsOf(
      [await imageOf(staged, document.manifest, signal)],
      describe,
    )
    if (!attestation) return digest
    refuseDockersFormat(descriptorOf(document).mediaType)
    await store(staged, [attestation])
    const {image} = attestation
    const {descriptor} = attestation.manifest
    const wrapping = {attestation: descriptor, origin: originOf(image), note: undefined}
    return put(staged, wrapImage(image, wrapping))
  }
  const {tree} = await loadIndex(staged, document.index, signal)
  const images = await imagesIn(staged, digest, signal)
  const attestations = attestationsOf(images, describe)
  if (attestations.length > 0) refuseDockersFormat(tree.index.descriptor.mediaType)
  const {tree: after, changed} = replaceImages(tree, {
    ...({attestations: 'keep', base: 'keep'} as const),
    images: new Map(),
    ownAttestations: attestations,
  })
  if (after === tree) return digest
  await store(staged, attestations)
  for (const index of changed) await put(staged, index)
  return after.index.descriptor.digest
}

/** A document that a run made of an image. */
export interface StagedResult {
  readonly digest: Digest
  /** Where it goes. */
  readonly target: Reference
  /** What the work started from. */
  readonly from: Reference & {readonly digest: Digest}
  /** Whether the tag names it already. */
  readonly isKnown: boolean
  /** Find out whether there would be a statement, without making it. */
  readonly dryRun: boolean
}

/**
 * Says of a staged document how it was made, before the tag moves to it. Whether there is a
 * statement that was not there before, or would be. Throws what `attestDocument` throws.
 */
export async function attestStaged(
  {real, staged}: Pick<ImagePlace, 'real' | 'staged'>,
  {digest, target, from, isKnown, dryRun}: StagedResult,
  ports: Ports,
): Promise<boolean> {
  if (!ports.attest) return false
  if (dryRun && !isKnown) return true
  const stored = await staged.getManifest(digest, ports)
  if (!stored) throw new TypeError('a staged document is gone')
  const images = await imagesIn(staged, digest, ports.signal)
  const outermost = {...stored, value: undefined}
  if (dryRun) return lacksStatement(real, {outermost, images}, ports)
  const made = {
    ...{outermost, images, place: target},
    from: {reference: from, digest: from.digest},
    isKnown,
  }
  return (await attestIfAsked(real, made, ports)) !== undefined
}

async function stagedDocument(staged: StagedStore, digest: Digest, signal: AbortSignal) {
  const stored = await staged.getManifest(digest, {signal})
  if (!stored) throw new TypeError('a staged document is gone')
  return decodeDocument(stored)
}

/** The images of a document, as far as the store has them. */
async function imagesIn(
  staged: StagedStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Image[]> {
  const document = await stagedDocument(staged, digest, signal)
  if (document.kind === 'image') return [await imageOf(staged, document.manifest, signal)]
  const {tree} = await loadIndex(staged, document.index, signal)
  const images: Image[] = []
  for (const entry of imageEntries(tree)) {
    const image = await unlessArtifact(() => fetchImage(staged, entry.digest, signal))
    if (image && image !== 'artifact') images.push(image)
  }
  return images
}

function attestationsOf(
  images: readonly Image[],
  describe: DescribeInIndex,
): readonly (IndexAttestation & {readonly image: Image})[] {
  return images
    .filter((image) => findSlots(image).length > 0)
    .map((image) => ({...describe(image), image}))
}

async function store(
  staged: StagedStore,
  attestations: readonly IndexAttestation[],
): Promise<void> {
  for (const {manifest, blobs} of attestations) {
    for (const {descriptor: expected, bytes} of blobs)
      await staged.putBlob({open: () => streamOf(bytes)}, {expected})
    await put(staged, manifest)
  }
}

async function put(
  staged: StagedStore,
  {bytes, descriptor}: IndexAttestation['manifest'],
): Promise<Digest> {
  return (await staged.putManifest(bytes, descriptor.mediaType)).digest
}
