import {type Digest, digestOf} from '../../oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../oci/media-type.js'
import {encodeHeader} from '../../layer/tar/encode-header.js'
import type {BlobInfo} from '../../oci/descriptor.js'

export interface Content extends BlobInfo {
  readonly bytes: Uint8Array
}

const endOfTar = 1024

/**
 * A layer with one empty file whose name is unique to this run, padded with zeros to `size` bytes,
 * which tar allows.
 */
export function makeLayer(name: string, size = 0): Content {
  const header = encodeHeader({
    kind: 'file',
    path: name,
    size: 0,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    xattrs: undefined,
  })
  const bytes = Buffer.alloc(Math.max(header.length + endOfTar, size))
  bytes.set(header)
  return describe(bytes)
}

/** The config of an image with that layer, which is not compressed. */
export function makeConfig(layer: Digest): Content {
  const rootfs = {type: 'layers', diff_ids: [layer]}
  return describe(json({architecture: 'amd64', os: 'linux', config: {}, rootfs}))
}

/** Its manifest; a different `comment` gives a different manifest. */
export function makeManifest(config: BlobInfo, layer: BlobInfo, comment: string): Content {
  return describe(
    json({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: {mediaType: ociConfig, digest: config.digest, size: config.size},
      layers: [{mediaType: ociLayer, digest: layer.digest, size: layer.size}],
      annotations: {'org.opencontainers.image.description': comment},
    }),
  )
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}

function describe(bytes: Uint8Array): Content {
  return {bytes, digest: digestOf(bytes), size: bytes.length}
}
