import type {DescribeInIndex, IndexAttestation} from '../../attest/index-attestation.js'
import {originOf} from '../../image/follow/origin.js'
import {formatNote, type RunNote} from '../../image/follow/run-note.js'
import type {Encoded, Image} from '../../image/image.js'
import {allEntries, type IndexTree} from '../../image/index/index-tree.js'
import {replaceImages} from '../../image/index/replace-images.js'
import {wrapImage} from '../../image/index/wrap-image.js'
import {findSlots} from '../../image/slot.js'
import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {ociIndex} from '../../oci/media-type.js'
import {type InjectedImage, injectGroup, keepImage} from './injected-image.js'
import type {MakeImage} from './make-image.js'
import type {InjectionPlan} from './plan.js'
import type {InjectionRequest} from './request.js'

interface InjectedFacts {
  /** The digest of the document that the work started from. */
  readonly base: Digest
  /** What the tags will name, if it is known. */
  readonly outermost: Encoded<unknown>
  /** Whether all of the images are known: always, except in a dry run that would have to pack. */
  readonly isKnown: boolean
}

/** A document with some of its images replaced; nothing is published yet. */
export type InjectedDocument =
  | (InjectedFacts & {readonly kind: 'image'; readonly image: InjectedImage})
  | (InjectedFacts & {
      readonly kind: 'index'
      /** Those that were chosen, in the order of the index. */
      readonly images: readonly InjectedImage[]
      /** `undefined`: the document was a single image. */
      readonly before: IndexTree | undefined
      readonly after: IndexTree
      /** The indexes that are new, innermost first. */
      readonly indexes: readonly Encoded<unknown>[]
      /** What is new in them beside the images. */
      readonly attestations: readonly IndexAttestation[]
    })

/** How a run makes its document. */
export interface DocumentMaker {
  readonly makeImage: MakeImage
  /** What the index says of an image beside it; `undefined`: nothing. */
  readonly describeInIndex: DescribeInIndex | undefined
}

/**
 * The document that a plan makes, as far as its layers are known. `note` is noted in what changes:
 * in an OCI index, or in images that are not in one.
 */
export function injectedDocument(
  {base, loaded, groups, kept, converted}: InjectionPlan,
  {layer, publish, image}: InjectionRequest,
  {makeImage, describeInIndex}: DocumentMaker,
  note: RunNote | undefined,
): InjectedDocument {
  const {tree, targets} = loaded
  const own = isNotedInIndex(loaded, layer, describeInIndex) ? undefined : note
  const injected = [
    ...groups.flatMap((group) => injectGroup(group, makeImage, own)),
    ...kept.map((target) => keepImage(target, own)),
  ]
  const isKnown = injected.every(({kind}) => kind === 'made')
  const [only] = injected
  const attested = describeInIndex ? attestationsOf(injected, describeInIndex) : []
  const attestations = attested.map(({attestation}) => attestation)
  const [attestation] = attestations
  if (!tree) {
    if (!only) throw new TypeError('an injection into nothing')
    return attestation
      ? wrappedDocument(only, attestation, {base, note, isKnown})
      : {kind: 'image', base, image: only, outermost: resultOf(only).manifest, isKnown}
  }
  const replaced = new Map<Digest, Descriptor>()
  const changes = injected.map((each) => ({before: each.target.image, after: resultOf(each)}))
  for (const {before, after} of [...changes, ...converted])
    if (after !== before) replaced.set(before.manifest.descriptor.digest, after.manifest.descriptor)
  const {tree: after, changed: indexes} = replaceImages(tree, {
    images: replaced,
    attestations: publish.attestations ?? 'drop',
    ownAttestations: attestations,
    base: layer.base === 'forget' ? 'keep' : 'remember',
    origin: image.origin,
    note: formatNote(note) ?? null,
    isGraft: groups.some(({content}) => content.from !== undefined),
    toOci: layer.toOci,
    annotations: layer.indexAnnotations && [{slot: loaded.name, texts: layer.indexAnnotations}],
  })
  const order = new Map(targets.map((target, position) => [target, position]))
  const places = (one: InjectedImage) => order.get(one.target) ?? 0
  const images = injected.sort((one, other) => places(one) - places(other))
  return {
    kind: 'index',
    base,
    images,
    before: tree,
    after,
    indexes,
    outermost: after.index,
    isKnown,
    attestations: newIn(tree, attested),
  }
}

/** A single image with what is said of it, which makes it an index. */
function wrappedDocument(
  only: InjectedImage,
  attestation: IndexAttestation,
  {base, note, isKnown}: Pick<InjectedFacts, 'base' | 'isKnown'> & {note: RunNote | undefined},
): InjectedDocument {
  const image = resultOf(only)
  const {descriptor} = attestation.manifest
  const wrapping = {attestation: descriptor, origin: originOf(image), note: formatNote(note)}
  const index = wrapImage(image, wrapping)
  const after = {index, below: new Map()}
  return {
    ...({kind: 'index', before: undefined, indexes: []} as const),
    ...{base, isKnown, after, images: [only], outermost: index, attestations: [attestation]},
  }
}

interface AttestedImage {
  readonly attestation: IndexAttestation
  /** The image is not made yet, and stands for itself. */
  readonly isPlanned: boolean
}

/** What is said of the images that have slots, or would have. */
function attestationsOf(
  injected: readonly InjectedImage[],
  describeInIndex: DescribeInIndex,
): readonly AttestedImage[] {
  return injected.flatMap((each) => {
    const isPlanned = each.kind === 'planned'
    const image = resultOf(each)
    const isSaid = isPlanned || findSlots(image).length > 0
    return isSaid ? [{attestation: describeInIndex(image), isPlanned}] : []
  })
}

function newIn(before: IndexTree, attested: readonly AttestedImage[]): readonly IndexAttestation[] {
  const known = new Set([...allEntries(before)].map(({digest}) => digest))
  return attested
    .filter(
      ({attestation, isPlanned}) => isPlanned || !known.has(attestation.manifest.descriptor.digest),
    )
    .map(({attestation}) => attestation)
}

/** Whether the index holds the note of a run, and its images do not. */
export function isNotedInIndex(
  {tree}: Pick<InjectionPlan['loaded'], 'tree'>,
  {toOci}: Pick<InjectionRequest['layer'], 'toOci'>,
  describeInIndex: DescribeInIndex | undefined,
): boolean {
  return tree ? takesNotes(tree, toOci) : describeInIndex !== undefined
}

/** Whether the index itself can hold a note. */
function takesNotes({index}: IndexTree, toOci = false): boolean {
  return toOci || index.descriptor.mediaType === ociIndex
}

/** An image that is not made yet stands for itself. */
function resultOf(injected: InjectedImage): Image {
  return injected.kind === 'made' ? injected.result : injected.target.image
}
