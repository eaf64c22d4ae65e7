import type {DescribeInIndex, IndexAttestation} from '../../attest/index-attestation.js'
import {annotationsOfSlot} from '../../image/config-edits.js'
import {originOf} from '../../image/follow/origin.js'
import {formatNote, type RunNote, withNote} from '../../image/follow/run-note.js'
import type {Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index/index-tree.js'
import {replaceImages, type SlotAnnotations} from '../../image/index/replace-images.js'
import {wrapImage} from '../../image/index/wrap-image.js'
import {toOci} from '../../image/to-oci.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {ociIndex} from '../../oci/media-type.js'
import {refuseDockersFormat} from '../publish/attestable.js'
import type {ChangedDocument, ChangedImage} from '../publish/publish.js'
import type {LoadedImages} from './load-images.js'
import type {RebasedImage} from './rebased-image.js'

/** What a document with rebased images is made of. */
export interface RebaseParts {
  readonly injected: LoadedImages
  readonly onto: LoadedImages
  readonly images: readonly RebasedImage[]
  readonly attestations: 'drop' | 'keep'
  /** The reference that names the new base, with its tag. */
  readonly origin: string | undefined
  /** What the index says of an image beside it; `undefined`: nothing. */
  readonly describeInIndex: DescribeInIndex | undefined
  /** The new base is stored in another place than the result: it is copied there for `remove`. */
  readonly isElsewhere: boolean
}

/** The document with the slots on the new images, all of which are known. */
export function rebasedDocument(parts: RebaseParts, note: RunNote | undefined): ChangedDocument {
  const {injected, images, onto} = parts
  if (!injected.tree) return singleImage(parts, note)
  // the run image of buildpacks is only a part of each image: the index stays
  const isRunImage = images.every((each) => each.isRunImage)
  const tree = isRunImage ? injected.tree : onto.tree
  // an index of one image may be on a single one
  return tree ? indexOn(tree, parts, {note, isRunImage}) : singleImage(parts, note)
}

function singleImage(
  {images: [only], isElsewhere, describeInIndex}: RebaseParts,
  note: RunNote | undefined,
): ChangedDocument {
  if (!only?.after) throw new TypeError('a rebase of nothing')
  const after = withNote(only.after, describeInIndex ? undefined : note)
  const images = changedImages(only, after, isElsewhere)
  if (!describeInIndex) return {outermost: after.manifest, images, indexes: []}
  refuseDockersFormat(after.manifest.descriptor.mediaType)
  const attestation = describeInIndex(after)
  const {descriptor} = attestation.manifest
  const wrapping = {attestation: descriptor, origin: originOf(after), note: formatNote(note)}
  const outermost = wrapImage(after, wrapping)
  return {outermost, images, indexes: [], attestations: [attestation]}
}

function indexOn(
  tree: IndexTree,
  {injected, onto, images, ...how}: RebaseParts,
  {note, isRunImage}: {readonly note: RunNote | undefined; readonly isRunImage: boolean},
): ChangedDocument {
  const isConverted = injected.tree?.index.descriptor.mediaType === ociIndex
  const takesNotes = isConverted || tree.index.descriptor.mediaType === ociIndex
  const {describeInIndex} = how
  if (describeInIndex && !takesNotes) refuseDockersFormat(tree.index.descriptor.mediaType)
  const replaced = new Map<Digest, Descriptor>()
  const changed: ChangedImage[] = []
  const attestations: IndexAttestation[] = []
  for (const each of images) {
    const {before, after = before} = each
    const image = takesNotes ? after : withNote(after, note)
    const old = isRunImage ? before : each.onto
    replaced.set(old.manifest.descriptor.digest, image.manifest.descriptor)
    changed.push(...changedImages(each, image, how.isElsewhere))
    if (describeInIndex) attestations.push(describeInIndex(image))
  }
  if (isConverted && !isRunImage) {
    for (const {image: before} of onto.images) {
      const after = toOci(before)
      const {digest} = before.manifest.descriptor
      if (after === before || replaced.has(digest)) continue
      replaced.set(digest, after.manifest.descriptor)
      changed.push({before, after})
    }
  }
  const {tree: after, changed: indexes} = replaceImages(tree, {
    images: replaced,
    attestations: how.attestations,
    ownAttestations: attestations,
    base: isRunImage ? 'keep' : 'remember',
    origin: how.origin,
    note: formatNote(note) ?? null,
    toOci: isConverted,
    annotations: isRunImage ? [] : indexAnnotations(injected.tree, images),
  })
  const base = how.isElsewhere && !isRunImage ? [tree.index] : []
  return {outermost: after.index, images: changed, indexes: [...base, ...indexes], attestations}
}

/** The annotations of the old index for slots that the new one has. */
function indexAnnotations(
  injected: IndexTree | undefined,
  images: readonly RebasedImage[],
): readonly SlotAnnotations[] {
  const {annotations: said = {}} = injected?.index.value ?? {}
  const names = new Set(images.flatMap(({slots}) => slots.map(({name}) => name)))
  return [...names].flatMap((slot) => {
    const texts = annotationsOfSlot(said, slot)
    return texts ? [{slot, texts}] : []
  })
}

/** Together with its base, if that is missing there. */
function changedImages(
  {before, onto, base, isRunImage}: RebasedImage,
  after: Image,
  isElsewhere: boolean,
): ChangedImage[] {
  const missing = isRunImage ? [base] : isElsewhere ? [onto] : []
  return [...missing.map((image) => ({before, after: image})), {before, after}]
}
