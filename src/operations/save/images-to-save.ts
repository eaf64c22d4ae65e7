import {tagOfFullName} from '../../oci/names/local-name.js'
import type {ImageName} from '../../archive/saved-documents.js'
import type {ImageToSave} from '../../archive/save-images.js'
import {UsageError} from '../../errors.js'
import type {PlatformChoice} from '../../image/platforms.js'
import type {Digest} from '../../oci/digest.js'
import {
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
} from '../../oci/names/reference.js'
import type {ContentStore} from '../../store/content-store.js'
import {findDocument} from '../find/find-document.js'
import {loadFound} from '../find/load-image.js'
import {reportOddities} from '../find/report-oddities.js'
import type {Ports} from '../../ports.js'

export interface FoundImage extends ImageToSave {
  /** Where it comes from: `repository@digest`. */
  readonly reference: string
}

/**
 * One image of the document that `reference` names, with its names there. Throws what
 * `findDocument` and `loadFound` throw.
 */
export async function findImage(
  store: ContentStore,
  reference: Reference,
  platforms: PlatformChoice | undefined,
  ports: Ports,
): Promise<FoundImage> {
  const found = await findDocument(store, reference, ports)
  const what = formatReference(reference)
  const image = await loadFound(store, found, {what, platforms}, ports.signal)
  reportOddities(image, ports)
  return {
    image,
    names: namesOf(reference, found.tag ?? reference.tag),
    source: store,
    reference: `${repositoryName(reference)}@${image.manifest.descriptor.digest}`,
  }
}

/**
 * The images, with equal ones merged under all of their names. Throws `UsageError`
 * (`ERR_INJECT_NAME_AMBIGUOUS`) for a name that would stand for two images.
 */
export function mergeImages<T extends {readonly names: readonly ImageName[]}>(
  images: readonly T[],
  digestOf: (image: T) => Digest,
): T[] {
  const merged = new Map<Digest, T>()
  const holders = new Map<string, Digest>()
  for (const found of images) {
    const digest = digestOf(found)
    const known = merged.get(digest)
    const names = [...(known?.names ?? [])]
    for (const name of found.names) {
      const key = keyOf(name)
      const holder = holders.get(key)
      if (holder !== undefined && holder !== digest) throw ambiguous(key)
      if (holder === undefined) names.push(name)
      holders.set(key, digest)
    }
    merged.set(digest, {...(known ?? found), names})
  }
  return [...merged.values()]
}

/**
 * What an image is called where it comes from. To Docker, a digest is not a name; and an image on
 * disk has no name but its tag.
 */
export function namesOf(reference: Reference, tag: string | undefined): ImageName[] {
  if (tag === undefined) return []
  if (reference.kind === 'registry') return [{repository: repositoryName(reference), tag}]
  if (reference.kind !== 'docker-archive' || reference.name === undefined) return [fullName(tag)]
  return [{repository: repositoryName(parseReference(reference.name)), tag}]
}

/** In a layout, a whole name is a repository and a tag; a tag alone does not name a repository. */
function fullName(tag: string): ImageName {
  const own = tagOfFullName(tag)
  if (own === undefined) return {repository: undefined, tag}
  return {repository: repositoryName(parseReference(tag)), tag: own}
}

function keyOf({repository, tag}: ImageName): string {
  return repository === undefined ? tag : `${repository}:${tag}`
}

function ambiguous(name: string): UsageError {
  return new UsageError(
    'ERR_INJECT_NAME_AMBIGUOUS',
    `two different images would be called ${name}`,
    {
      hint: 'save them into two archives, or name one of them by its digest',
    },
  )
}
