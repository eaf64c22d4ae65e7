import {formatNote, type RunNote} from '../../image/follow/run-note.js'
import type {Encoded, Image} from '../../image/image.js'
import type {IndexTree} from '../../image/index/index-tree.js'
import {replaceImages} from '../../image/index/replace-images.js'
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
      readonly before: IndexTree
      readonly after: IndexTree
      /** The indexes that are new, innermost first. */
      readonly indexes: readonly Encoded<unknown>[]
    })

/**
 * The document that a plan makes, as far as its layers are known. `note` is noted in what changes:
 * in an OCI index, or in images that are not in one.
 */
export function injectedDocument(
  {base, loaded, groups, kept, converted}: InjectionPlan,
  {layer, publish, image}: InjectionRequest,
  makeImage: MakeImage,
  note: RunNote | undefined,
): InjectedDocument {
  const {tree, targets} = loaded
  const own = tree && takesNotes(tree, layer.toOci) ? undefined : note
  const injected = [
    ...groups.flatMap((group) => injectGroup(group, makeImage, own)),
    ...kept.map((target) => keepImage(target, own)),
  ]
  const isKnown = injected.every(({kind}) => kind === 'made')
  const [only] = injected
  if (!tree) {
    if (!only) throw new TypeError('an injection into nothing')
    return {kind: 'image', base, image: only, outermost: resultOf(only).manifest, isKnown}
  }
  const replaced = new Map<Digest, Descriptor>()
  const changes = injected.map((each) => ({before: each.target.image, after: resultOf(each)}))
  for (const {before, after} of [...changes, ...converted])
    if (after !== before) replaced.set(before.manifest.descriptor.digest, after.manifest.descriptor)
  const {tree: after, changed: indexes} = replaceImages(tree, {
    images: replaced,
    attestations: publish.attestations ?? 'drop',
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
  }
}

/** Whether the index itself can hold a note. */
export function takesNotes({index}: IndexTree, toOci = false): boolean {
  return toOci || index.descriptor.mediaType === ociIndex
}

/** An image that is not made yet stands for itself. */
function resultOf(injected: InjectedImage): Image {
  return injected.kind === 'made' ? injected.result : injected.target.image
}
