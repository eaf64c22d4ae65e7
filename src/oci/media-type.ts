/** https://github.com/opencontainers/image-spec/blob/v1.1.1/media-types.md and https://distribution.github.io/distribution/spec/manifest-v2-2/ */
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

/** The media type of a new layer. Docker's family has no zstd. */
export function layerMediaType(family: MediaFamily, compression: 'none' | 'gzip'): string {
  if (family === 'docker') return compression === 'gzip' ? `${dockerLayer}.gzip` : dockerLayer
  return compression === 'gzip' ? `${ociLayer}+gzip` : ociLayer
}

const layerBases = [
  ociLayer,
  dockerLayer,
  'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar',
]
const suffixes: ReadonlyMap<string, LayerCompression> = new Map([
  ['', 'none'],
  ['.gzip', 'gzip'],
  ['+gzip', 'gzip'],
  ['.zstd', 'zstd'],
  ['+zstd', 'zstd'],
])

/** `undefined` for a media type that is no layer of a kind we can read (encrypted ones among them). */
export function layerCompression(mediaType: string): LayerCompression | undefined {
  for (const base of layerBases) {
    if (mediaType.startsWith(base)) return suffixes.get(mediaType.slice(base.length))
  }
  return undefined
}
