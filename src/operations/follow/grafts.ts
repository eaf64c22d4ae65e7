import {type GraftOrigin, graftOf} from '../../image/follow/graft-origin.js'
import type {Image} from '../../image/image.js'
import {findSlots} from '../../image/slot.js'
import {grafted} from '../../oci/annotation.js'
import type {Digest} from '../../oci/digest.js'
import {entryKind} from '../../oci/image-index.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {fetchImage} from '../find/fetch-image.js'
import type {FoundDocument} from '../find/find-document.js'
import {unlessArtifact} from '../find/load-index.js'
import type {LoadedImages} from './load-images.js'
import {originReference} from './origin-reference.js'

/** A slot whose content was taken from another image, and whether that has moved. */
export interface GraftStatus {
  readonly slot: string
  /** The reference that it was taken from; `null` if it is not known. */
  readonly image: string | null
  /** The directory of that image; `null` for all of a slot. */
  readonly path: string | null
  /** What the reference named then, and names now; `null` if it is not known. */
  readonly from: Digest
  readonly to: Digest | null
  readonly moved: boolean
}

/**
 * The slots of a document that were taken from other images. `loaded` are its images, if they were
 * read; else the first image of an index that says so speaks for all of
 * them.
 */
export async function graftsIn(
  store: ContentStore,
  found: FoundDocument,
  loaded: LoadedImages | undefined,
  signal: AbortSignal,
): Promise<readonly (GraftOrigin & {readonly name: string})[]> {
  const images = loaded?.images.map(({image}) => image) ?? (await firstOf(store, found, signal))
  const [first] = images
  if (!first) return []
  return findSlots(first).flatMap(({name}) => {
    const origin = graftOf(first, name)
    return origin ? [{...origin, name}] : []
  })
}

/** Whether the image, or each image of the index, is nothing but slots: there is no vendor. */
export function isOnlySlots({images}: LoadedImages): boolean {
  return images.every(({image}) => {
    const own = findSlots(image).flatMap(({layers}) => layers).length
    return own === image.manifest.value.layers.length
  })
}

/** Looks where the references stand now, by `digestOf`. */
export async function graftStatus(
  grafts: Awaited<ReturnType<typeof graftsIn>>,
  image: Reference,
  digestOf: (reference: Reference) => Promise<Digest>,
): Promise<readonly GraftStatus[]> {
  return Promise.all(
    grafts.map(async ({name: slot, digest: from, image: named, path = null}) => {
      const reference = originReference({name: named, digest: from}, image)
      const to = reference ? await digestOf(reference) : null
      const known = reference ? formatReference(reference) : null
      return {slot, image: known, path, from, to, moved: to !== null && to !== from}
    }),
  )
}

async function firstOf(
  store: ContentStore,
  found: FoundDocument,
  signal: AbortSignal,
): Promise<readonly Image[]> {
  if (found.kind !== 'index' || found.index.value.annotations?.[grafted] === undefined) return []
  const entry = found.index.value.manifests.find((each) => entryKind(each) === 'image')
  const image = entry && (await unlessArtifact(() => fetchImage(store, entry.digest, signal)))
  return image && image !== 'artifact' ? [image] : []
}
