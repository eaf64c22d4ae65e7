import {NotFoundError, PreconditionError} from '../errors.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {decodeManifest} from '../oci/manifest.js'
import {
  type ArchiveReference,
  parseReference,
  referenceIn,
  repositoryName,
} from '../oci/names/reference.js'
import {compareTags} from '../store/tags.js'
import type {ContentStore, StoredManifest} from '../store/content-store.js'
import type {LayoutManifests} from '../store/layout/manifests.js'
import type {NameLister} from '../store/name-lister.js'
import {archiveBlobs} from './archive-blobs.js'
import {makeManifest} from './docker-archive-manifest.js'
import type {Member} from './index-tar.js'
import type {Archive} from './read-archive.js'
import {type DockerSavedImage, readSaved} from './read-saved.js'

interface Named {
  readonly saved: DockerSavedImage
  readonly tags: readonly {readonly repository: string; readonly tag: string}[]
}

/**
 * The images that `docker save` or `podman save` wrote, to be read: those of one repository, when
 * `name` says which, or the one at `index`. Such an archive has no manifests: they are made, of
 * Docker's kind, unless the archive is an OCI layout, too, and has them. Layers are taken as they
 * are, compressed or not, and checked against the diff IDs. Throws `IntegrityError`
 * (`ERR_INJECT_ARCHIVE_INVALID`).
 */
export async function openDockerArchive(
  archive: Archive,
  {kind, file, name, index}: ArchiveReference,
  signal: AbortSignal | undefined,
): Promise<ContentStore & Pick<LayoutManifests, 'onlyManifest'> & NameLister> {
  const place = repositoryName({kind, file})
  const all = (await readSaved(archive)).map(withTags)
  const images = index === undefined ? all : all.slice(index, index + 1)
  if (images.length === 0 && index !== undefined) throw beyond(archive.name, all.length)
  const wanted = name === undefined ? undefined : repositoryOf(name)
  const blobs = new Map<Digest, Member>()
  const manifests = new Map<Digest, StoredManifest>()
  const made = new Map<DockerSavedImage, StoredManifest>()
  const isWanted = (each: Named['tags'][number]): boolean =>
    wanted === undefined || each.repository === wanted

  const load = async (saved: DockerSavedImage): Promise<StoredManifest> => {
    const stored = made.get(saved) ?? (await makeManifest(archive, saved, blobs, signal))
    made.set(saved, stored)
    manifests.set(stored.descriptor.digest, stored)
    return stored
  }
  /** Of a manifest, or of a config, which is what Docker calls the ID of an image. */
  const findDigest = async (digest: Digest): Promise<StoredManifest | undefined> => {
    for (const {saved} of images) {
      const stored = await load(saved)
      const {config} = decodeManifest(stored.bytes, stored.descriptor.mediaType)
      if (stored.descriptor.digest === digest || config.digest === digest) return stored
    }
    return undefined
  }
  const find = async (reference: string): Promise<StoredManifest | undefined> => {
    if (isDigest(reference)) return manifests.get(reference) ?? findDigest(reference)
    const found = images.filter(({tags}) =>
      tags.some((each) => isWanted(each) && each.tag === reference),
    )
    const [first, other] = found
    if (other) throw ambiguous(archive.name, reference, namesOf(place, found))
    return first && load(first.saved)
  }
  return {
    ...archiveBlobs(archive, (digest) => blobs.get(digest)),
    getManifest: find,
    statManifest: async (reference) => (await find(reference))?.descriptor.digest,
    async *listTags() {
      const tags = images.flatMap((each) => each.tags.filter(isWanted).map(({tag}) => tag))
      yield* await Promise.resolve([...new Set(tags)].sort(compareTags))
    },
    async onlyManifest() {
      const [only, ...others] = images.filter(
        ({tags}) => wanted === undefined || tags.some(isWanted),
      )
      return only && others.length === 0 ? (await load(only.saved)).descriptor.digest : undefined
    },
    listNames: () => Promise.resolve(namesOf(place, images, index)),
  }
}

/** References to each image, by its names, or by its place where it has none. */
function namesOf(place: string, images: readonly Named[], first = 0): string[] {
  return images.flatMap(({tags}, at) =>
    tags.length === 0
      ? [`${place}:@${first + at}`]
      : tags.map(({repository, tag}) => `${place}:${repository}:${tag}`),
  )
}

function withTags(saved: DockerSavedImage): Named {
  const tags = (saved.RepoTags ?? []).flatMap((text) => {
    // what is not a name names nothing
    const reference = referenceIn(text)
    return reference?.tag === undefined
      ? []
      : [{repository: repositoryName(reference), tag: reference.tag}]
  })
  return {saved, tags}
}

function repositoryOf(name: string): string {
  return repositoryName(parseReference(name))
}

function beyond(name: string, count: number): NotFoundError {
  const hint = `they are counted from 0: docker-archive:FILE:@0 to @${count - 1}`
  return new NotFoundError('ERR_INJECT_IMAGE_NOT_FOUND', `${name} has ${count} images`, {hint})
}

function ambiguous(name: string, tag: string, names: readonly string[]): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_AMBIGUOUS',
    `${name} has several images with the tag ${tag}`,
    {hint: `name one of them: ${names.join(', ')}`},
  )
}
