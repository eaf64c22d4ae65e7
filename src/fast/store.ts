import {join} from 'node:path'
import {IntegrityError, NotFoundError, PreconditionError} from '../errors.js'
import {decodeImage, encodedManifest, type Image} from '../image/image.js'
import {replaceLayers} from '../image/replace-layers.js'
import type {Descriptor} from '../oci/descriptor.js'
import {algorithmOf, type Digest, digestOf, hexOf, isDigest} from '../oci/digest.js'
import {parseDocument} from '../oci/json.js'
import {manifestMembers} from '../oci/known-members.js'
import {familyOf} from '../oci/manifest.js'
import {layerCompression, layerMediaType} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import {type FastReference, repositoryName} from '../oci/names/reference.js'
import {blobNotFound} from '../store/store-errors.js'
import type {ContentStore} from '../store/content-store.js'
import {readFileStream, statFile} from '../disk/read-file.js'
import type {LayoutManifests} from '../store/layout/manifests.js'
import {manifestLimit, mediaTypeIn} from '../oci/manifest-kind.js'
import {abortable} from '../stream/bytes.js'
import {readAll} from '../stream/limit.js'
import {mapAhead} from '../stream/map-ahead.js'
import {verified} from '../stream/verify.js'
import {fastFiles} from './files.js'
import {listFolder} from '../disk/names-in.js'

/**
 * The one image in a folder of plain files, to be read. Where the layers lie there as plain tars
 * although the manifest has them compressed, the image has a manifest of its own, with the same
 * config. Throws `NotFoundError` (`ERR_INJECT_FAST_NOT_FOUND`), `IntegrityError`
 * (`ERR_INJECT_FAST_INVALID`) for a folder that is not complete or contradicts itself, and
 * `PreconditionError` (`ERR_INJECT_FAST_READ_ONLY`) where something is to be written.
 */
export async function openFastFolder(
  reference: FastReference,
  {writes}: {readonly writes: boolean},
): Promise<ContentStore & Pick<LayoutManifests, 'onlyManifest'>> {
  const name = repositoryName(reference)
  if (writes) throw readOnly(name)
  const {directory} = reference
  const listed = await listFolder(directory)
  if (listed === undefined) {
    throw new NotFoundError('ERR_INJECT_FAST_NOT_FOUND', `there is no folder ${quoted(directory)}`)
  }
  const names = new Set(listed)
  const image = await readImage(directory, names, name)
  const files = new Map<Digest, string>([[image.config.descriptor.digest, fastFiles.config]])
  const layers: Descriptor[] = []
  const find = (position: number) => findLayer({directory, names, name}, image, position)
  for await (const {file, layer} of mapAhead(image.manifest.value.layers.keys(), find)) {
    files.set(layer.digest, file)
    layers.push(layer)
  }
  const {descriptor, bytes} = replaceLayers(image, layers)
  const stored = {descriptor, bytes}

  const statBlob: ContentStore['statBlob'] = async (digest) => {
    const file = files.get(digest)
    const stats = file === undefined ? undefined : await statFile(join(directory, file))
    return stats && {digest, size: stats.size}
  }
  const manifestOf = (key: string): typeof stored | undefined =>
    key === descriptor.digest ? stored : undefined
  const refuse = (): never => {
    throw readOnly(name)
  }
  return {
    name,
    statBlob,
    openBlob(blob, {signal} = {}) {
      const file = files.get(blob.digest)
      if (file === undefined) return Promise.reject(blobNotFound(blob.digest, name))
      const stream = abortable(readFileStream(join(directory, file)), signal)
      return Promise.resolve(verified(stream, blob, `${file} in ${name}`))
    },
    getManifest: (key) => Promise.resolve(manifestOf(key)),
    statManifest: (key) => Promise.resolve(manifestOf(key)?.descriptor.digest),
    // eslint-disable-next-line @typescript-eslint/require-await -- there are none
    async *listTags() {
      yield* []
    },
    onlyManifest: () => Promise.resolve(descriptor.digest),
    putBlob: refuse,
    putManifest: refuse,
    close: () => Promise.resolve(),
  }
}

async function readImage(
  directory: string,
  names: ReadonlySet<string>,
  name: string,
): Promise<Image> {
  const read = async (file: string, limit: number): Promise<Uint8Array> => {
    if (!names.has(file)) throw invalid(name, `it has no ${file}`)
    return readAll(readFileStream(join(directory, file)), limit, `${file} in ${name}`)
  }
  if (!names.has(fastFiles.marker))
    throw invalid(name, `it has no file ${quoted(fastFiles.marker)}: what wrote it did not end`)
  const marker = Buffer.from(await read(fastFiles.marker, 1024))
    .toString('latin1')
    .trimEnd()
  if (!isDigest(marker)) throw invalid(name, `its file digest holds none: ${quoted(marker)}`)
  const bytes = await read(fastFiles.manifest, manifestLimit)
  if (digestOf(bytes, algorithmOf(marker)) !== marker)
    throw invalid(name, 'manifest.json is not what digest names')
  const {value} = parseDocument(
    bytes,
    `manifest.json in ${name}`,
    manifestMembers,
    'ERR_INJECT_MANIFEST_INVALID',
  )
  const mediaType = mediaTypeIn(value) ?? ''
  const config = await read(fastFiles.config, manifestLimit)
  const descriptor = {mediaType, digest: marker, size: bytes.length}
  return decodeImage(encodedManifest({descriptor, bytes}), config)
}

interface Folder {
  readonly directory: string
  readonly names: ReadonlySet<string>
  readonly name: string
}

/** A layer's file as the manifest has it, or its tar. Their content is checked when it is read. */
async function findLayer(
  {directory, names, name}: Folder,
  {manifest, config}: Image,
  position: number,
): Promise<{readonly file: string; readonly layer: Descriptor}> {
  const layer = manifest.value.layers[position]
  const diffId = config.value.rootfs.diff_ids[position]
  if (layer === undefined || diffId === undefined) throw invalid(name, 'its layers do not agree')
  const stored = fastFiles.layer(position, layerCompression(layer.mediaType) ?? 'gzip')
  if (names.has(stored) && (await sizeOf(join(directory, stored))) === layer.size) {
    await checkSum(layer.digest)
    return {file: stored, layer}
  }
  const plain = fastFiles.layer(position, 'none')
  const size = names.has(plain) ? await sizeOf(join(directory, plain)) : undefined
  if (size === undefined) throw invalid(name, `it has no ${stored} of ${layer.size} bytes`)
  await checkSum(diffId)
  const mediaType = layerMediaType(familyOf(manifest.value, manifest.descriptor.mediaType), 'none')
  // the same object where it is the same layer: then the manifest stays as it is
  return {file: plain, layer: diffId === layer.digest ? layer : {mediaType, digest: diffId, size}}

  /**
   * The checksum says what the file should be: a folder whose parts say different things is of two
   * images.
   */
  async function checkSum(digest: Digest): Promise<void> {
    const file = fastFiles.checksum(position)
    if (!names.has(file) || algorithmOf(digest) !== 'sha256') return
    const text = await readAll(readFileStream(join(directory, file)), 1024, `${file} in ${name}`)
    const sum = Buffer.from(text)
      .toString('latin1')
      .trimEnd()
      .replace(/^sha256:/, '')
    if (sum !== hexOf(digest)) throw invalid(name, `${file} is not that of the image's layer`)
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await statFile(path))?.size
}

function invalid(name: string, why: string): IntegrityError {
  return new IntegrityError('ERR_INJECT_FAST_INVALID', `${name} cannot be read: ${why}`)
}

function readOnly(name: string): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_FAST_READ_ONLY',
    `${name} is not written by this command`,
    {
      hint: 'inject save --format fast writes such folders; other results go elsewhere by --to',
    },
  )
}
