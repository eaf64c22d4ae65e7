/**
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md and
 * https://distribution.github.io/distribution/spec/manifest-v2-2/
 */
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndex = 'application/vnd.oci.image.index.v1+json'
export const ociConfig = 'application/vnd.oci.image.config.v1+json'
export const ociLayer = 'application/vnd.oci.image.layer.v1.tar'
export const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json'
export const dockerManifestList = 'application/vnd.docker.distribution.manifest.list.v2+json'
export const dockerSchema1 = 'application/vnd.docker.distribution.manifest.v1+json'
export const dockerSchema1Signed = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
export const dockerConfig = 'application/vnd.docker.container.image.v1+json'
export const dockerLayer = 'application/vnd.docker.image.rootfs.diff.tar'

/** Every manifest kind that we can say something sensible about: what an `Accept` header lists. */
export const manifestMediaTypes = [
  ociManifest,
  dockerManifest,
  ociIndex,
  dockerManifestList,
  dockerSchema1Signed,
  dockerSchema1,
] as const

/** Which of the two families of media types a document belongs to; an image never mixes them. */
export type MediaFamily = 'docker' | 'oci'

/** How a layer's tar is compressed, from the suffix of its media type. */
export type LayerCompression = 'none' | 'gzip' | 'zstd'

/** How a new layer can be compressed: `zstd:chunked` is zstd with a table of contents in it. */
export type NewLayerCompression = LayerCompression | 'zstd:chunked'

/** The ways in which new layers can be compressed. */
export const layerCompressions = [
  'gzip',
  'zstd',
  'zstd:chunked',
  'none',
] as const satisfies NewLayerCompression[]

/**
 * The media type of a new layer. Throws `TypeError` for zstd in Docker's family, which has none:
 * the caller's mistake.
 */
export function layerMediaType(family: MediaFamily, compression: NewLayerCompression): string {
  const suffix = {none: '', gzip: 'gzip', zstd: 'zstd', 'zstd:chunked': 'zstd'}[compression]
  if (family === 'oci') return suffix === '' ? ociLayer : `${ociLayer}+${suffix}`
  if (suffix === 'zstd') throw new TypeError("Docker's family has no layers compressed with zstd")
  return suffix === '' ? dockerLayer : `${dockerLayer}.${suffix}`
}

const ociForeignLayer = 'application/vnd.oci.image.layer.nondistributable.v1.tar'
const dockerForeignLayer = 'application/vnd.docker.image.rootfs.foreign.diff.tar'
const layerBases = [ociLayer, dockerLayer, ociForeignLayer, dockerForeignLayer]
const suffixes: ReadonlyMap<string, LayerCompression> = new Map([
  ['', 'none'],
  ['.gzip', 'gzip'],
  ['+gzip', 'gzip'],
  ['.zstd', 'zstd'],
  ['+zstd', 'zstd'],
])

/**
 * `undefined` for a media type that is not a layer of a kind we can read (encrypted ones among
 * them).
 */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  for (const base of layerBases) {
    if (mediaType.startsWith(base)) return suffixes.get(mediaType.slice(base.length))
  }
  return undefined
}

/** Whether a layer is one that registries do not hand out, and that its `urls` say where to buy. */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.startsWith(ociForeignLayer) || mediaType.startsWith(dockerForeignLayer)
}

/**
 * Whether a layer can be read by those only who have its key.
 * https://github.com/containers/ocicrypt/blob/main/docs/README.md
 */
export function isEncryptedLayer(mediaType: string): boolean {
  return /\+enc(?:rypted)?$/.test(mediaType)
}

/**
 * The family that a config's or a layer's media type is of; `undefined` for one that is of neither
 * (an attestation's, say).
 */
export function familyOfMediaType(mediaType: string): MediaFamily | undefined {
  if (mediaType.startsWith('application/vnd.docker.')) return 'docker'
  return mediaType.startsWith('application/vnd.oci.') ? 'oci' : undefined
}

/**
 * Whether a media type says only that something is bytes: registries and tools of 2016 wrote such
 * ones into manifests for want of a better.
 * https://github.com/moby/moby/issues/22378
 */
export function isGeneralMediaType(mediaType: string): boolean {
  return generalTypes.has(mediaType)
}

const generalTypes = new Set([
  '',
  'application/octet-stream',
  'application/json',
  'binary/octet-stream',
  'text/html',
  'text/plain',
])

/** What OCI calls a layer of Docker's types; any other type as it is, encrypted ones among them. */
export function ociLayerMediaType(mediaType: string): string {
  for (const [docker, oci] of [
    [dockerLayer, ociLayer],
    [dockerForeignLayer, ociForeignLayer],
  ] as const) {
    if (!mediaType.startsWith(docker)) continue
    const compression = suffixes.get(mediaType.slice(docker.length))
    if (compression !== undefined) return compression === 'none' ? oci : `${oci}+${compression}`
  }
  return mediaType
}
