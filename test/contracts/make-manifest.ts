import {gzipSync} from 'node:zlib'
import {digestOf} from '../../src/oci/digest.js'
import {
  dockerConfig,
  dockerManifest,
  layerMediaType,
  type MediaFamily,
  ociConfig,
  ociManifest,
} from '../../src/oci/media-type.js'
import type {ContentStore, StoredManifest} from '../../src/store/content-store.js'
import type {BlobInfo} from '../../src/oci/descriptor.js'
import {streamOf} from '../../src/stream/bytes.js'

/**
 * The manifest of a small image that every reader takes; its blobs are put, it itself is not.
 * Another word is another image. `says`: whether the document has the member `mediaType`.
 */
export async function makeManifest(
  store: ContentStore,
  word: string,
  family: MediaFamily = 'oci',
  says = true,
): Promise<StoredManifest> {
  const put = (bytes: Uint8Array): Promise<BlobInfo> =>
    store.putBlob({open: () => streamOf(bytes)}, {})
  // an empty tar: two blocks of zeros
  const tar = Buffer.alloc(1024)
  const layer = await put(gzipSync(tar))
  const config = await put(
    Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: {Labels: {word}},
        rootfs: {type: 'layers', diff_ids: [digestOf(tar)]},
      }),
    ),
  )
  const isDocker = family === 'docker'
  const mediaType = isDocker ? dockerManifest : ociManifest
  const document = {
    schemaVersion: 2,
    ...(says && {mediaType}),
    config: {
      mediaType: isDocker ? dockerConfig : ociConfig,
      digest: config.digest,
      size: config.size,
    },
    layers: [{mediaType: layerMediaType(family, 'gzip'), digest: layer.digest, size: layer.size}],
  }
  // odd spacing, an escape and a last line end: bytes that no serializer would write again
  const text = `${JSON.stringify(document, null, 3).replace('schema', '\\u0073chema')}\n`
  const bytes = Uint8Array.from(Buffer.from(text))
  return {descriptor: {mediaType, digest: digestOf(bytes), size: bytes.length}, bytes}
}
