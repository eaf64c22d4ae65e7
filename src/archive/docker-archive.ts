import * as v from 'valibot'
import {decodeConfig} from '../oci/config.js'
import {type Digest, digestOf, isDigest} from '../oci/digest.js'
import {documentLimit, parseDocument} from '../oci/json.js'
import {decodeManifest} from '../oci/manifest.js'
import {dockerConfig, dockerLayer, dockerManifest, ociLayer} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {parseReference, repositoryName} from '../oci/reference.js'
import {faultIn} from '../oci/shape.js'
import {InjectError, PreconditionError} from '../errors.js'
import {decompress, verifiedDiffId} from '../layer/decompress.js'
import {unpackLimits} from '../layer/unpack-limits.js'
import {compareTags} from '../store/compare-tags.js'
import type {ContentStore, StoredManifest} from '../store/content-store.js'
import type {LayoutManifests} from '../store/layout-manifests.js'
import {abortable} from '../stream/abortable.js'
import {drain} from '../stream/drain.js'
import {measured} from '../stream/tap.js'
import {archiveBlobs} from './archive-blobs.js'
import {archiveInvalid} from './archive-invalid.js'
import type {Member} from './index-tar.js'
import {blobPath, openOciArchive} from './oci-archive.js'
import {type Archive, compressionOf} from './read-archive.js'

/** One image, as `manifest.json` has it. https://github.com/moby/docker-image-spec/blob/main/v1.2.md#combined-image-json--filesystem-changeset-format */
interface SavedImage {
  readonly Config: string
  readonly RepoTags: readonly string[] | null
  readonly Layers: readonly string[]
}

interface Named {
  readonly saved: SavedImage
  readonly tags: readonly {readonly repository: string; readonly tag: string}[]
}

/**
 * The images that `docker save` or `podman save` wrote, to be read: those of one repository, when `name` says which. Such an archive has no manifests: they are made, of
 * Docker's kind, unless the archive is an OCI layout, too, and has them. Layers are taken as they are, compressed or not, and held against the
 * diff IDs. Throws `IntegrityError` (`ERR_INJECT_ARCHIVE_INVALID`).
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
  const made = new Map<SavedImage, StoredManifest>()
  const isWanted = (each: Named['tags'][number]): boolean =>
    wanted === undefined || each.repository === wanted

  const load = async (saved: SavedImage): Promise<StoredManifest> => {
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

const savedShape = v.pipe(
  v.array(
    v.looseObject({
      Config: v.string(),
      RepoTags: v.nullish(v.array(v.string())),
      Layers: v.nullish(v.array(v.string())),
    }),
  ),
  v.maxLength(1000, 'must not be more than 1,000'),
)

async function readSaved(archive: Archive): Promise<SavedImage[]> {
  const bytes = await archive.read('manifest.json', documentLimit - 100)
  if (!bytes) throw archiveInvalid(archive.name, 'it has no manifest.json')
  const what = `manifest.json in ${archive.name}`
  // a list, and only objects are documents
  const wrapped = Buffer.concat([Buffer.from('{"images":'), bytes, Buffer.from('}')])
  const {value} = parseDocument(wrapped, what, 'ERR_INJECT_ARCHIVE_INVALID')
  const fault = faultIn(savedShape, value['images'])
  if (fault !== undefined || Object.keys(value).length !== 1)
    throw archiveInvalid(archive.name, `manifest.json: ${fault ?? 'it is no list'}`)
  const images = value['images'] as readonly Partial<SavedImage>[]
  return images.map(({Config = '', RepoTags, Layers}) => ({
    Config,
    RepoTags: RepoTags ?? null,
    Layers: Layers ?? [],
  }))
}

function withTags(saved: SavedImage): Named {
  const tags = (saved.RepoTags ?? []).flatMap((text) => {
    try {
      const reference = parseReference(text)
      return reference.tag === undefined
        ? []
        : [{repository: repositoryName(reference), tag: reference.tag}]
    } catch (error) {
      // what is no name names nothing
      if (error instanceof InjectError) return []
      throw error
    }
  })
  return {saved, tags}
}

function repositoryOf(name: string): string {
  return repositoryName(parseReference(name))
}

async function makeManifest(
  archive: Archive,
  saved: SavedImage,
  blobs: Map<Digest, Member>,
  signal: AbortSignal | undefined,
): Promise<StoredManifest> {
  const {name} = archive
  const member = (path: string): Member => {
    const found = archive.stat(path)
    if (found) return found
    throw archiveInvalid(name, `it lacks ${quoted(path, 160)}`)
  }
  const configMember = member(saved.Config)
  const configBytes = (await archive.read(saved.Config, documentLimit)) ?? new Uint8Array()
  const config = {digest: digestOf(configBytes), size: configBytes.length}
  blobs.set(config.digest, configMember)
  const diffIds = decodeConfig(configBytes).rootfs.diff_ids
  if (diffIds.length !== saved.Layers.length) {
    const why = `manifest.json names ${saved.Layers.length} layers, and its config ${diffIds.length}`
    throw archiveInvalid(name, why)
  }
  const layers = []
  for (const [at, path] of saved.Layers.entries()) {
    const diffId = diffIds[at]
    if (diffId === undefined) continue
    const found = member(path)
    const layer = await describeLayer(archive, found, diffId, signal)
    blobs.set(layer.digest, found)
    layers.push(layer)
  }
  const own = await originalManifest(archive, saved, config.digest)
  if (own) return own
  const document = {
    schemaVersion: 2,
    mediaType: dockerManifest,
    config: {mediaType: dockerConfig, ...config},
    layers,
  }
  const bytes = Buffer.from(JSON.stringify(document))
  const descriptor = {mediaType: dockerManifest, digest: digestOf(bytes), size: bytes.length}
  return {descriptor, bytes}
}

/** A plain layer is named by its diff ID, and checked when it is read; a compressed one is read now, for nothing says what it is. */
async function describeLayer(
  archive: Archive,
  member: Member,
  diffId: Digest,
  signal: AbortSignal | undefined,
) {
  const start = archive.open({...member, size: Math.min(member.size, 4)})
  const compression = await compressionOf(start)
  if (compression === 'none') return {mediaType: dockerLayer, size: member.size, digest: diffId}
  if (compression === 'zstd') {
    throw new PreconditionError(
      'ERR_INJECT_COMPRESSION_UNSUPPORTED',
      `${archive.name} has layers that are compressed with zstd, which Docker's manifests cannot say`,
    )
  }
  const {stream, result} = measured(abortable(archive.open(member), signal))
  await drain(verifiedDiffId(decompress(stream, ociLayer, unpackLimits), diffId))
  return {mediaType: `${dockerLayer}.gzip`, size: member.size, digest: result().digest}
}

/** The image's own manifest, where the archive is a layout, too, and both say the very same of it. */
async function originalManifest(
  archive: Archive,
  {Layers}: SavedImage,
  config: Digest,
): Promise<StoredManifest | undefined> {
  if (!archive.stat('index.json') || !archive.stat('oci-layout')) return undefined
  try {
    const layout = await openOciArchive(archive)
    for (const digest of await layout.listManifests()) {
      const stored = await layout.getManifest(digest)
      const manifest = stored && decoded(stored)
      const isSame =
        manifest?.config.digest === config &&
        manifest.layers.length === Layers.length &&
        manifest.layers.every((layer, at) => blobPath(layer.digest) === Layers[at])
      if (isSame) return stored
    }
  } catch (error) {
    if (!(error instanceof InjectError)) throw error
  }
  return undefined
}

/** `undefined` for what is no image. */
function decoded({bytes, descriptor}: StoredManifest) {
  try {
    return decodeManifest(bytes, descriptor.mediaType)
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}

function ambiguous(name: string, tag: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_IMAGE_AMBIGUOUS',
    `${name} has several images with the tag ${tag}`,
    {hint: 'say of which repository: docker-archive:FILE:NAME:TAG'},
  )
}
