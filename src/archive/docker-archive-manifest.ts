import {InjectError, PreconditionError, unlessFailed} from '../errors.js'
import {decompress, verifiedDiffId} from '../layer/decompress/decompress.js'
import {inLayer} from '../layer/in-layer.js'
import {unpackLimits} from '../layer/limits.js'
import {decodeConfig} from '../oci/config.js'
import {type Digest, digestOf} from '../oci/digest.js'
import {documentLimit} from '../oci/json.js'
import {decodeManifest, type Manifest} from '../oci/manifest.js'
import {dockerConfig, dockerLayer, dockerManifest, ociLayer} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import type {StoredManifest} from '../store/content-store.js'
import {abortable, drain, measured} from '../stream/bytes.js'
import {archiveInvalid} from './archive-invalid.js'
import type {Member} from './index-tar.js'
import {blobPath, openOciArchive} from './oci-archive.js'
import {type Archive, compressionOf} from './read-archive.js'
import type {DockerSavedImage} from './read-saved.js'

/**
 * The manifest of a saved image: its own where the archive has it, which names layers in any
 * compression by their digests; else one of Docker's kind. What it names goes into `blobs`, with
 * where it is in the archive. For a manifest that is made, compressed layers are read, and held
 * against their diff IDs. Throws `IntegrityError` (`ERR_INJECT_ARCHIVE_INVALID`), and
 * `PreconditionError` (`ERR_INJECT_COMPRESSION_UNSUPPORTED`) for layers in zstd without a manifest
 * of their own.
 */
export async function makeManifest(
  archive: Archive,
  saved: DockerSavedImage,
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
  const own = await originalManifest(archive, saved, config.digest)
  if (own) {
    for (const {digest} of own.layers) blobs.set(digest, member(blobPath(digest)))
    return own.stored
  }
  const layers = []
  for (const [at, path] of saved.Layers.entries()) {
    const diffId = diffIds[at]
    if (diffId === undefined) continue
    const found = member(path)
    const place = {number: at + 1, digest: diffId}
    const layer = await inLayer(place, () => describeLayer(archive, found, diffId, signal))
    blobs.set(layer.digest, found)
    layers.push(layer)
  }
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

/**
 * A plain layer is named by its diff ID, and checked when it is read; a compressed one is read now,
 * for nothing says what it is.
 */
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

/**
 * The image's own manifest, where the archive is a layout, too, and both say the very same of it.
 */
async function originalManifest(
  archive: Archive,
  {Layers}: DockerSavedImage,
  config: Digest,
): Promise<{readonly stored: StoredManifest; readonly layers: Manifest['layers']} | undefined> {
  if (!archive.stat('index.json') || !archive.stat('oci-layout')) return undefined
  return unlessFailed(async () => {
    const layout = await openOciArchive(archive)
    for (const digest of await layout.listManifests()) {
      const stored = await layout.getManifest(digest)
      const manifest = stored && decoded(stored)
      if (!stored || manifest?.config.digest !== config) continue
      const {layers} = manifest
      const isSame = layers.map(({digest}) => blobPath(digest)).join() === Layers.join()
      if (isSame) return {stored, layers}
    }
    return undefined
  })
}

/** `undefined` for what is not an image. */
function decoded({bytes, descriptor}: StoredManifest) {
  try {
    return decodeManifest(bytes, descriptor.mediaType)
  } catch (error) {
    if (error instanceof InjectError) return undefined
    throw error
  }
}
