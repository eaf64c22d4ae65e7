import {baseDigest, baseName, grafted, runNote} from '../../oci/annotation.js'
import type {Descriptor} from '../../oci/descriptor.js'
import {type Digest, isDigest} from '../../oci/digest.js'
import {
  attestationEntry,
  attested,
  entryKind,
  type ImageIndex,
  isOwnAttestation,
} from '../../oci/image-index.js'
import {ociIndex} from '../../oci/media-type.js'
import {annotateIndex, restoreIndex, setOrRemove, type Texts} from '../config-edits.js'
import {textOf, editMembers, type JsonPath, type MemberEdit} from '../text-edit.js'
import {editIndexes, type EditedTree, encodeIndex, type IndexTree} from './index-tree.js'
import {toOciIndexText} from '../to-oci.js'

/** An attestation that `inject` makes. */
export interface OwnAttestation {
  /** The image, as it is now. */
  readonly subject: Digest
  readonly manifest: {readonly descriptor: Descriptor}
}

export interface Replacements {
  /** Keyed by the digest of the old image. */
  readonly images: ReadonlyMap<Digest, Descriptor>
  /**
   * What BuildKit said about an image that is replaced does not hold for the new one: `drop` takes
   * it out.
   */
  readonly attestations: 'drop' | 'keep'
  /**
   * What we say of images: each is put beside its image, in place of what we said of it before.
   * Default: nothing; what we said of images that are replaced goes in any case.
   */
  readonly ownAttestations?: readonly OwnAttestation[] | undefined
  /**
   * The outermost index says which one it was before it was changed first (`remember`), or no
   * longer does (`forget`); OCI's can.
   */
  readonly base: 'remember' | 'forget' | 'keep'
  /** The reference that names the outermost index, remembered together with it. */
  readonly origin?: string | undefined
  /**
   * What the outermost index says of the run that changes it, see `RunNote`; `null`: nothing.
   * Absent: what it said.
   */
  readonly note?: string | null | undefined
  /** The outermost index says that content was taken from another image. */
  readonly isGraft?: boolean | undefined
  /** Manifest lists become OCI indexes. */
  readonly toOci?: boolean | undefined
  /** The annotations of the outermost index for slots. */
  readonly annotations?: readonly SlotAnnotations[] | undefined
}

/** The annotations of an index for a slot. */
export interface SlotAnnotations {
  readonly slot: string
  /** `undefined` removes the annotations for it. */
  readonly texts: Texts | undefined
}

/**
 * The index with other images in the places of some of its own, in nested ones too. An entry keeps
 * all that it says but what names the content (digest, size, media type) or is made from it (data,
 * urls); other entries keep their bytes. The same tree when nothing is replaced.
 */
export function replaceImages(tree: IndexTree, replacements: Replacements): EditedTree {
  return editIndexes(tree, (node, below) => {
    const images = new Map<Digest, Descriptor>(replacements.images)
    for (const [digest, next] of below)
      if (next !== node.below.get(digest)) images.set(digest, next.index.descriptor)
    const own = {...replacements, images}
    const isOutermost = node === tree
    return edit(
      node.index,
      isOutermost
        ? own
        : {...own, base: 'keep', note: undefined, annotations: undefined, isGraft: false},
    )
  })
}

function edit(index: IndexTree['index'], replacements: Replacements): IndexTree['index'] {
  const {annotations = [], toOci = false} = replacements
  const {descriptor, value} = index
  const before = textOf(index)
  const changes = [...entryEdits(value, replacements), ...annotationEdits(value, annotations)]
  let text = editMembers(before, changes)
  if (toOci) text = toOciIndexText(text, index)
  if (text === before) return index
  const mediaType = toOci ? ociIndex : descriptor.mediaType
  if (mediaType === ociIndex) text = withOrigin(text, index, replacements)
  return encodeIndex(text, {...descriptor, mediaType})
}

function entryEdits(
  {manifests}: ImageIndex,
  {images, attestations, ownAttestations = []}: Replacements,
): MemberEdit[] {
  const own = new Map(ownAttestations.map(({subject, manifest}) => [subject, manifest.descriptor]))
  const placed = new Set<Digest>()
  const now = (digest: Digest): Digest => images.get(digest)?.digest ?? digest
  const edits = manifests.flatMap((entry, position): MemberEdit[] => {
    const path = ['manifests', position]
    const next = images.get(entry.digest)
    if (next) return renameEntry(path, next)
    const subject = attested(entry)
    if (!isDigest(subject)) return []
    const isOwn = isOwnAttestation(entry)
    const image = now(subject)
    const attestation = isOwn && !placed.has(image) ? own.get(image) : undefined
    if (attestation) {
      placed.add(image)
      return renameAttestation(path, image, attestation)
    }
    const goes = isOwn ? image !== subject || placed.has(image) : images.has(subject)
    return goes && (isOwn || attestations === 'drop') ? [{kind: 'remove', path}] : []
  })
  const there = manifests.filter((entry) => entryKind(entry) === 'image')
  for (const image of new Set(there.map(({digest}) => now(digest)))) {
    const attestation = own.get(image)
    if (!attestation || placed.has(image)) continue
    const value = attestationEntry(image, attestation)
    edits.push({kind: 'insert', path: ['manifests', manifests.length], value})
  }
  return edits
}

function annotationEdits(
  {annotations: present = {}}: ImageIndex,
  asked: readonly SlotAnnotations[],
): MemberEdit[] {
  return asked.flatMap(({slot, texts}) =>
    texts ? annotateIndex(present, slot, texts) : restoreIndex(present, slot),
  )
}

function withOrigin(
  text: string,
  {descriptor, value}: IndexTree['index'],
  {base, origin, note, isGraft = false}: Replacements,
): string {
  const set = (key: string, said: string | null | undefined): MemberEdit[] =>
    said === undefined ? [] : [setOrRemove(['annotations', key], said)]
  if (base === 'forget')
    return editMembers(
      text,
      [baseDigest, baseName, runNote, grafted].flatMap((key) => set(key, null)),
    )
  const isKnown = new Map(Object.entries(value.annotations ?? {})).has(baseDigest)
  const isFirst = base === 'remember' && !isKnown
  const first = isFirst ? [...set(baseDigest, descriptor.digest), ...set(baseName, origin)] : []
  const graft = isGraft ? set(grafted, 'true') : []
  return editMembers(text, [...first, ...graft, ...set(runNote, note)])
}

/** Makes an entry of our own attestation that of another image, or of another form. */
function renameAttestation(entry: JsonPath, image: Digest, next: Descriptor): MemberEdit[] {
  const {annotations} = attestationEntry(image, next)
  return [
    ...renameEntry(entry, next),
    ...Object.entries(annotations).map(([key, value]): MemberEdit => ({
      kind: 'set',
      path: [...entry, 'annotations', key],
      value,
    })),
  ]
}

/** Makes an entry name another document, and removes members that described the old one. */
export function renameEntry(
  entry: JsonPath,
  {digest, size, mediaType}: Omit<Descriptor, 'mediaType'> & {readonly mediaType?: string},
): MemberEdit[] {
  return [
    {kind: 'set', path: [...entry, 'digest'], value: digest},
    {kind: 'set', path: [...entry, 'size'], value: size},
    ...(mediaType === undefined
      ? []
      : [{kind: 'set', path: [...entry, 'mediaType'], value: mediaType} as const]),
    {kind: 'remove', path: [...entry, 'urls']},
    {kind: 'remove', path: [...entry, 'data']},
  ]
}
