import {baseDigest} from '../oci/annotation.js'
import type {Descriptor} from '../oci/descriptor.js'
import type {Digest} from '../oci/digest.js'
import {attested, type ImageIndex} from '../oci/image-index.js'
import {ociIndex} from '../oci/media-type.js'
import {annotateIndex, restoreIndex, type Texts} from './config-edits.js'
import {
  textOf,
  editMembers,
  type JsonPath,
  type MemberEdit,
  removeMember,
  setMember,
} from './text-edit.js'
import {editIndexes, type EditedTree, encodeIndex, type IndexTree} from './index-tree.js'
import {toOciIndexText} from './to-oci.js'

export interface Replacements {
  /** By the digest of the old image. */
  readonly images: ReadonlyMap<Digest, Descriptor>
  /**
   * What BuildKit said about an image that is replaced does not hold for the new one: `drop` takes
   * it out.
   */
  readonly attestations: 'drop' | 'keep'
  /**
   * The outermost index says which one it was before it was changed first (`remember`), or no
   * longer does (`forget`); OCI's can.
   */
  readonly base: 'remember' | 'forget' | 'keep'
  /** Manifest lists become OCI indexes. */
  readonly toOci?: boolean | undefined
  /**
   * What the outermost index is to say for a slot; `undefined` for `texts` takes back what was said
   * for it.
   */
  readonly annotations?: {readonly slot: string; readonly texts: Texts | undefined} | undefined
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
    if (node !== tree)
      return edit(node.index, {...replacements, images, base: 'keep', annotations: undefined})
    return edit(node.index, {...replacements, images})
  })
}

function edit(
  index: IndexTree['index'],
  {images, attestations, base, toOci = false, annotations}: Replacements,
): IndexTree['index'] {
  const {descriptor, value} = index
  const before = textOf(index)
  const changes = value.manifests.flatMap((entry, position): MemberEdit[] => {
    const next = images.get(entry.digest)
    if (next) return renameEntry(['manifests', position], next)
    const subject = attested(entry)
    const goes = subject !== undefined && images.has(subject as Digest) && attestations === 'drop'
    return goes ? [{kind: 'remove', path: ['manifests', position]}] : []
  })
  let text = editMembers(before, [...changes, ...annotationEdits(value, annotations)])
  if (toOci) text = toOciIndexText(text, index)
  if (text === before) return index
  const mediaType = toOci ? ociIndex : descriptor.mediaType
  return encodeIndex(withBase(text, index, base, mediaType), {...descriptor, mediaType})
}

function annotationEdits(
  {annotations: present = {}}: ImageIndex,
  asked: Replacements['annotations'],
): MemberEdit[] {
  if (!asked) return []
  const {slot, texts} = asked
  return texts ? annotateIndex(present, slot, texts) : restoreIndex(present, slot)
}

function withBase(
  text: string,
  {descriptor, value}: IndexTree['index'],
  base: Replacements['base'],
  mediaType: string,
): string {
  const path = ['annotations', baseDigest] as const
  if (base === 'forget') return removeMember(text, path)
  const known = new Map(Object.entries(value.annotations ?? {})).has(baseDigest)
  const canSay = mediaType === ociIndex && base === 'remember'
  return canSay && !known ? setMember(text, path, descriptor.digest) : text
}

/** Makes an entry name another document; what is made from the old one goes. */
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
