import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import {
  decodeIndex,
  entryKind,
  type EntryKind,
  type ImageIndex,
  type IndexEntry,
} from '../../oci/image-index.js'
import {bytesOf, digestLike} from '../text-edit.js'
import type {Encoded} from '../image.js'

/** An index with the indexes below it; the images are known by their descriptors. */
export interface IndexTree {
  readonly index: Encoded<ImageIndex>
  /** By digest; of every entry that is an index itself. */
  readonly below: ReadonlyMap<Digest, IndexTree>
}

/**
 * The entries that are images, in their order, those of nested indexes in place of these; each
 * digest once. Attestations and artifacts are not images.
 */
export function imageEntries(tree: IndexTree): IndexEntry[] {
  return entriesOf(tree, (kind) => kind === 'image')
}

/** The entries that are attestations or artifacts by their own claim, in the same way. */
export function artifactEntries(tree: IndexTree): IndexEntry[] {
  return entriesOf(tree, (kind) => kind === 'attestation' || kind === 'other')
}

function entriesOf(tree: IndexTree, isWanted: (kind: EntryKind) => boolean): IndexEntry[] {
  const found = new Map<Digest, IndexEntry>()
  const seen = new Set<IndexTree>()
  const visit = (node: IndexTree): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const entry of node.index.value.manifests) {
      const kind = entryKind(entry)
      const nested = kind === 'index' ? node.below.get(entry.digest) : undefined
      if (nested) visit(nested)
      else if (isWanted(kind) && !found.has(entry.digest)) found.set(entry.digest, entry)
    }
  }
  visit(tree)
  return [...found.values()]
}

/** All entries of the index and of those below it, in any order. */
export function* allEntries({index, below}: IndexTree): Generator<IndexEntry, void, undefined> {
  yield* index.value.manifests
  for (const nested of below.values()) yield* allEntries(nested)
}

/** A tree after an edit. */
export interface EditedTree {
  readonly tree: IndexTree
  /** Every index that is new, innermost first: the order to store them in. */
  readonly changed: readonly IndexTree['index'][]
}

/**
 * The tree with its indexes edited, innermost first; one that several entries name is edited once.
 * `edit` is told what the indexes below have become, by the digests that the entries still have,
 * and gives the index itself where nothing is to change. The same tree when nothing has changed.
 */
export function editIndexes(
  tree: IndexTree,
  edit: (node: IndexTree, below: IndexTree['below']) => IndexTree['index'],
): EditedTree {
  const done = new Map<IndexTree, IndexTree>()
  const changed: IndexTree['index'][] = []
  const visit = (node: IndexTree): IndexTree => {
    const known = done.get(node)
    if (known) return known
    const below = new Map([...node.below].map(([digest, nested]) => [digest, visit(nested)]))
    const index = edit(node, below)
    const result = index === node.index ? node : {index, below: byDigest(below.values())}
    if (result !== node) changed.push(index)
    done.set(node, result)
    return result
  }
  return {tree: visit(tree), changed}
}

function byDigest(trees: Iterable<IndexTree>): IndexTree['below'] {
  return new Map([...trees].map((each) => [each.index.descriptor.digest, each]))
}

/**
 * The index that `text` is, in place of the one that `descriptor` is of: of the same media type and
 * kind of digest. Throws what `decodeIndex` throws.
 */
export function encodeIndex(text: string, descriptor: Descriptor): Encoded<ImageIndex> {
  const {mediaType} = descriptor
  const bytes = bytesOf(text)
  return {
    descriptor: {mediaType, digest: digestLike({descriptor}, bytes), size: bytes.length},
    bytes,
    value: decodeIndex(bytes, mediaType),
  }
}
