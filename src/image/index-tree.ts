import type {Digest} from '../oci/digest.js'
import {entryKind, type ImageIndex, type IndexEntry} from '../oci/image-index.js'
import type {Encoded} from './image.js'

/** An index with the indexes below it; the images are known by their descriptors. */
export interface IndexTree {
  readonly index: Encoded<ImageIndex>
  /** By digest; of every entry that is an index itself. */
  readonly below: ReadonlyMap<Digest, IndexTree>
}

/** The entries that are images, in their order, those of nested indexes in the place of these; each digest once. Attestations and artifacts are none. */
export function imageEntries(tree: IndexTree): IndexEntry[] {
  const found = new Map<Digest, IndexEntry>()
  const seen = new Set<IndexTree>()
  const visit = (node: IndexTree): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const entry of node.index.value.manifests) {
      const kind = entryKind(entry)
      const nested = kind === 'index' ? node.below.get(entry.digest) : undefined
      if (nested) visit(nested)
      else if (kind === 'image' && !found.has(entry.digest)) found.set(entry.digest, entry)
    }
  }
  visit(tree)
  return [...found.values()]
}
