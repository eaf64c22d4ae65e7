import type {Digest} from '../../oci/digest.js'
import {attested, entryKind} from '../../oci/image-index.js'
import {textOf, editMembers, type MemberEdit} from '../text-edit.js'
import {editIndexes, type EditedTree, encodeIndex, type IndexTree} from './index-tree.js'
import {renameEntry} from './replace-images.js'

/**
 * The index with no other images than those in `kept`, in nested ones too; nested ones without
 * images go, attestations go with their images, and artifacts stay. Entries that stay keep all that
 * they say. The same tree when nothing goes.
 */
export function selectImages(tree: IndexTree, kept: ReadonlySet<Digest>): EditedTree {
  return editIndexes(tree, ({index}, below) => select(index, kept, below))
}

function select(
  index: IndexTree['index'],
  kept: ReadonlySet<Digest>,
  below: ReadonlyMap<Digest, IndexTree>,
): IndexTree['index'] {
  const before = textOf(index)
  const changes = index.value.manifests.flatMap((entry, position): MemberEdit[] => {
    const path = ['manifests', position] as const
    const kind = entryKind(entry)
    const nested = kind === 'index' ? below.get(entry.digest) : undefined
    const subject = attested(entry)
    const goes =
      (kind === 'image' && !kept.has(entry.digest)) ||
      (subject !== undefined && !kept.has(subject as Digest)) ||
      (nested !== undefined && nested.index.value.manifests.length === 0)
    if (goes) return [{kind: 'remove', path}]
    if (!nested || nested.index.descriptor.digest === entry.digest) return []
    const {digest, size} = nested.index.descriptor
    return renameEntry(path, {digest, size})
  })
  const text = editMembers(before, changes)
  return text === before ? index : encodeIndex(text, index.descriptor)
}
