import type {Descriptor} from '../../oci/descriptor.js'
import type {Digest} from '../../oci/digest.js'
import type {Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {manifestParts} from '../../store/manifest-parts.js'
import type {OpenSlots} from './open-slots.js'
import type {StagedStore} from './staged-store.js'

/** A layer of another image, which an image gets as it is. */
export interface LinkedLayer {
  readonly layer: Descriptor
  /** Where it is. */
  readonly reference: Reference
  readonly store: ContentStore
}

/** The layers of other images that a document names which is only staged, each once. */
export function linkedLayers(
  staged: StagedStore,
  digest: Digest,
  slots: OpenSlots,
): readonly LinkedLayer[] {
  const found = new Map<Digest, LinkedLayer>()
  collect(digest)
  return [...found.values()]

  function collect(document: Digest): void {
    const own = staged.staged(document)
    if (!own) return
    const {blobs, children} = manifestParts(own)
    for (const child of children) collect(child.digest)
    for (const [{source}, {graft}] of slots) {
      if (source.kind !== 'image' || !graft) continue
      const {reference} = source
      for (const blob of blobs) {
        const layer = graft.linked.get(blob.digest)
        if (layer) found.set(layer.digest, {layer, reference, store: graft.store})
      }
    }
  }
}
