import {open} from 'node:fs/promises'
import {join} from 'node:path'
import {localIoError} from '../disk/local-io-error.js'
import {writeTempFile} from '../disk/temp-file.js'
import {PreconditionError} from '../errors.js'
import type {Image} from '../image/image.js'
import {layerStream} from '../layer/in-layer.js'
import {layerTar} from '../layer/pack/recompress.js'
import type {Descriptor} from '../oci/descriptor.js'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import {layerCompression, type LayerCompression} from '../oci/media-type.js'
import {quoted} from '../oci/quoted.js'
import type {BlobReader, ByteStream, CallOptions} from '../store/content-store.js'
import {inLanes} from '../stream/in-lanes.js'
import {readFileStream} from '../disk/read-file.js'
import {isForeign} from '../store/manifest-parts.js'
import {measured, tap, drain} from '../stream/bytes.js'
import type {BlobCache} from './blob-cache.js'
import {fastFiles, fastPrefix} from './files.js'
import {placeFile} from './place-file.js'

export interface SaveFastOptions {
  /** Layers as plain tars instead of as they are stored. */
  readonly uncompressed: boolean
  /** Layers under way at once. */
  readonly jobs: number
  readonly cache?: BlobCache | undefined
  readonly signal: AbortSignal
  /** Called with the bytes of layers as they are fetched. */
  readonly onBytes: (bytes: number) => void
}

export interface FastCounts {
  /** Layers that were read from the image's store. */
  fetched: number
  /** Layers that the cache had. */
  cached: number
}

/** Content by its digest, and how to get it. */
interface LayerContent {
  readonly digest: Digest
  /** Absent where only unpacking tells. */
  readonly size?: number | undefined
  /** The layers that have it. */
  readonly positions: number[]
  readonly compression: LayerCompression
  /** The stream is checked to be that content: see `openBlob`. */
  open(call: CallOptions): Promise<ByteStream>
}

/**
 * Writes an image into a folder that is empty: config, manifest, digest, and for each layer its
 * content and the SHA-256 of that, in hex. Each content is fetched once and checked on the way,
 * also plain ones, against their diff IDs. Throws `PreconditionError` for layers that are not there
 * to be fetched or that are not layers we can read.
 */
export async function saveFast(
  folder: string,
  image: Image,
  source: BlobReader,
  options: SaveFastOptions,
): Promise<FastCounts> {
  const {jobs, signal, cache} = options
  const contents = await missingFirst(contentsOf(image, source, options), cache)
  const counts = {fetched: 0, cached: 0}
  const {manifest, config} = image
  await inLanes(
    contents,
    (content, call) => putContent(folder, content, counts, {...options, ...call}),
    {
      width: jobs,
      signal,
    },
  )
  await writeFile(join(folder, fastFiles.config), config.bytes)
  await writeFile(join(folder, fastFiles.manifest), manifest.bytes)
  await writeFile(join(folder, fastFiles.marker), manifest.descriptor.digest)
  return counts
}

function contentsOf(
  {manifest, config}: Image,
  source: BlobReader,
  {uncompressed}: SaveFastOptions,
): LayerContent[] {
  const contents = new Map<string, LayerContent>()
  for (const [position, layer] of manifest.value.layers.entries()) {
    const {mediaType} = layer
    const compression = layerCompression(mediaType)
    const diffId = config.value.rootfs.diff_ids[position]
    if (isForeign(layer)) throw foreign(position)
    if (compression === undefined || diffId === undefined) throw unknownType(layer)
    const place = {number: position + 1, digest: layer.digest}
    const isPlain = uncompressed && compression !== 'none'
    const digest = isPlain ? diffId : layer.digest
    // two layers that claim to unpack to the same must both be seen to
    const key = `${digest} ${layer.digest} ${layer.size} ${compression}`
    const known = contents.get(key)
    if (known) known.positions.push(position)
    else
      contents.set(key, {
        digest,
        size: isPlain ? undefined : layer.size,
        positions: [position],
        compression: isPlain ? 'none' : compression,
        async open(call) {
          const stored = await source.openBlob(layer, call)
          return isPlain ? layerTar(stored, {mediaType, diffId, place}) : layerStream(place, stored)
        },
      })
  }
  return [...contents.values()]
}

/** What is fetched takes longest: the rest is checked meanwhile. */
async function missingFirst(
  contents: readonly LayerContent[],
  cache: BlobCache | undefined,
): Promise<readonly LayerContent[]> {
  if (!cache) return contents
  const missing: LayerContent[] = []
  const present: LayerContent[] = []
  for (const content of contents)
    ((await cache.has(content.digest)) ? present : missing).push(content)
  return [...missing, ...present]
}

async function putContent(
  folder: string,
  content: LayerContent,
  counts: FastCounts,
  {cache, signal, onBytes}: SaveFastOptions,
): Promise<void> {
  const [first = 0, ...others] = content.positions
  const pathOf = (position: number): string =>
    join(folder, fastFiles.layer(position, content.compression))
  const path = pathOf(first)
  const fetch = async (): Promise<ByteStream> =>
    tap(await content.open({signal}), ({length}) => onBytes(length))
  const isCached = await (cache
    ? cache.place(content, path, fetch, signal)
    : writeContent(folder, path, {digest: content.digest, stream: await fetch()}))
  counts[isCached ? 'cached' : 'fetched']++
  const sumPath = join(folder, fastFiles.checksum(first))
  await writeFile(sumPath, hexOf(await sha256Of(path, content.digest)))
  for (const position of others) {
    await placeFile(path, pathOf(position))
    await placeFile(sumPath, join(folder, fastFiles.checksum(position)))
  }
}

/** `false`: it was fetched. */
async function writeContent(
  folder: string,
  path: string,
  {digest, stream}: {readonly digest: Digest; readonly stream: ByteStream},
): Promise<false> {
  const file = await writeTempFile(stream, {folder, prefix: fastPrefix, known: digest})
  try {
    await file.commit(path)
  } finally {
    await file.discard()
  }
  return false
}

/** What the name of the checksum promises, also of content that is known by another digest. */
async function sha256Of(path: string, digest: Digest): Promise<Digest> {
  if (algorithmOf(digest) === 'sha256') return digest
  const {stream, result} = measured(readFileStream(path))
  await drain(stream)
  return result().digest
}

/** Nobody looks into the folder yet: what it needs is to last. */
async function writeFile(path: string, content: Uint8Array | string): Promise<void> {
  try {
    const handle = await open(path, 'wx')
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw localIoError(error, 'write', path)
  }
}

function foreign(position: number): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_FOREIGN_LAYER',
    `layer ${position} is to be had elsewhere only: the folder would lack it`,
    {hint: 'save the image as an archive'},
  )
}

function unknownType({mediaType}: Descriptor): PreconditionError {
  return new PreconditionError(
    'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED',
    `a layer of the media type ${quoted(mediaType)} cannot be saved as a file`,
  )
}
