import {writeTempFile} from '../disk/temp-file.js'
import type {Image, Layer} from '../image/image.js'
import {gzipped, layerTar} from '../layer/pack/recompress.js'
import {type Descriptor, type BlobInfo} from '../oci/descriptor.js'
import {algorithmOf, type Digest} from '../oci/digest.js'
import {familyOf} from '../oci/manifest.js'
import {layerMediaType} from '../oci/media-type.js'
import {blobOfTwoSizes} from '../store/store-errors.js'
import type {BlobReader, ByteStream} from '../store/content-store.js'
import {readFileStream} from '../disk/read-file.js'
import {tap} from '../stream/bytes.js'
import {blobPath} from './oci-archive.js'
import type {TarSink} from './tar-sink.js'

/** What the names of layers start with that are written to learn their size. */
export const spoolPrefix = '.inject-spool-'

export interface TarBlobOptions {
  /** How the layers are compressed in the archive; `keep`: as they are. */
  readonly compression: 'keep' | 'gzip' | 'none'
  /** A folder for a layer whose size has to be learnt before it can be written. */
  readonly temporary: string
  readonly signal: AbortSignal
  /** Called with the bytes of layers as they are read. */
  readonly onBytes: (bytes: number) => void
}

/** The blobs of an archive, each written once. */
export interface TarBlobs {
  /**
   * Throws `IntegrityError` (`ERR_INJECT_SIZE_MISMATCH`) for a blob that was added with another
   * size.
   */
  add(blob: BlobInfo, open: () => ByteStream | Promise<ByteStream>): Promise<void>
  /**
   * Adds the layer compressed in the other way, and says what it is then. It lies in `temporary`
   * for a while: a tar wants to know how long a file is before it comes.
   */
  addRecompressed(layer: Layer, image: Image, source: BlobReader): Promise<Descriptor>
}

/**
 * Writes to `tar`, which is told of nothing else meanwhile. Throws what the blobs' streams throw.
 */
export function createTarBlobs(
  tar: TarSink,
  {compression, temporary, signal, onBytes}: TarBlobOptions,
): TarBlobs {
  const present = new Map<Digest, number>()
  const folders = new Set<string>()
  const recompressed = new Map<string, Descriptor>()

  const add = async (
    {digest, size}: BlobInfo,
    open: () => ByteStream | Promise<ByteStream>,
  ): Promise<void> => {
    signal.throwIfAborted()
    const known = present.get(digest)
    if (known === size) return
    if (known !== undefined) throw blobOfTwoSizes(digest, known, size)
    const folder = `blobs/${algorithmOf(digest)}`
    if (!folders.has(folder)) await tar.addFolder(folder)
    folders.add(folder)
    const content = tap(await open(), (chunk) => {
      signal.throwIfAborted()
      onBytes(chunk.length)
    })
    await tar.addFile(blobPath(digest), size, content)
    present.set(digest, size)
  }

  const addRecompressed = async (
    {descriptor: layer, diffId}: Layer,
    {manifest}: Image,
    source: BlobReader,
  ): Promise<Descriptor> => {
    const family = familyOf(manifest.value, manifest.descriptor.mediaType)
    const mediaType = layerMediaType(family, compression === 'none' ? 'none' : 'gzip')
    const key = `${layer.digest} ${diffId} ${mediaType}`
    const known = recompressed.get(key)
    if (known) return known
    const content = await source.openBlob(layer, {signal})
    const {digest: of} = layer
    const number = manifest.value.layers.findIndex(({digest}) => digest === of) + 1
    const place = {number, digest: of}
    const plain = layerTar(content, {mediaType: layer.mediaType, diffId, place})
    const stream = compression === 'none' ? plain : gzipped(plain, signal)
    const spool = await writeTempFile(stream, {
      folder: temporary,
      prefix: spoolPrefix,
      mode: 0o600,
      algorithm: algorithmOf(layer.digest),
    })
    try {
      const {digest, size, path} = spool
      await add({digest, size}, () => readFileStream(path))
      const descriptor = {mediaType, digest, size}
      recompressed.set(key, descriptor)
      return descriptor
    } finally {
      await spool.discard()
    }
  }
  return {add, addRecompressed}
}
