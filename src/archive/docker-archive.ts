import {InjectError, PreconditionError} from '../errors.js'
import {type Digest, isDigest} from '../oci/digest.js'
import {parseReference, repositoryName} from '../oci/reference.js'
import {compareTags} from '../store/tags.js'
import type {ContentStore, StoredManifest} from '../store/content-store.js'
import type {LayoutManifests} from '../store/layout/manifests.js'
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
 * `name` says which. Such an archive has no manifests: they are made, of Docker's kind, unless the
 * archive is an OCI layout, too, and has them. Layers are taken as they are, compressed or not, and
 * held against the diff IDs. Throws `IntegrityError` (`ERR_INJECT_ARCHIVE_INVALID`).
 */
export async function openDockerArchive(
  archive: Archive,
  name: string | undefined,
  signal: AbortSignal | undefined,
): Promise<ContentStore & Pick<LayoutManifests, 'onlyManifest'>> {
  const images = (await readSaved(archive)).map(withTags)
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
  const find = async (reference: string): Promise<StoredManifest | undefined> => {
    if (isDigest(reference)) return manifests.get(reference)
    const found = images.filter(({tags}) =>
      tags.some((each) => isWanted(each) && each.tag === reference),
    )
    const [first, other] = found
    if (other) throw ambiguous(archive.name, reference)
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
  }
}

function withTags(saved: DockerSavedImage): Named {
  const tags = (saved.RepoTags ?? []).flatMap((text) => {
    try {
      const reference = parseReference(text)
      return reference.tag === undefined
        ? []
        : [{repository: repositoryName(reference), tag: reference.tag}]
    } catch (error) {
      // what is not a name names nothing
      if (error instanceof InjectError) return []
      throw error
    }
  })
  return {saved, tags}
}

function repositoryOf(name: string): string {
  return repositoryName(parseReference(name))
}

function ambiguous(name: string, tag: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_AMBIGUOUS',
    `${name} has several images with the tag ${tag}`,
    {hint: 'say of which repository: docker-archive:FILE:NAME:TAG'},
  )
}
