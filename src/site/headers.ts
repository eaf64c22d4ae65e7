import {ociIndex, ociManifest} from '../oci/media-type.js'

/**
 * As many parts as a repository's name has where such hosts are used; their patterns know no "any
 * number".
 */
const names = [':a', ':a/:b', ':a/:b/:c', ':a/:b/:c/:d']

const rules: readonly (readonly [path: string, type: string])[] = [
  ['/v2/', 'application/json'],
  ['/v2/_catalog', 'application/json'],
  ...names.flatMap((name) => [
    [`/v2/${name}/tags/list`, 'application/json'] as const,
    [`/v2/${name}/referrers/:digest`, ociIndex] as const,
    [`/v2/${name}/blobs/:digest`, 'application/octet-stream'] as const,
    [`/v2/${name}/manifests/:reference`, ociManifest] as const,
  ]),
]

/**
 * The `_headers` of static hosts. Their patterns see a path and nothing else, so that all manifests
 * get one media type: OCI's for an image.
 * https://developers.cloudflare.com/pages/configuration/headers/
 */
export const headersFile = `# For static hosts that read this file. They know one media type for all manifests: OCI images, no indexes.
# inject publish writes this once, and the same for every site.

/v2/*
  Docker-Distribution-API-Version: registry/2.0
  X-Content-Type-Options: nosniff

${rules.map(([path, type]) => `${path}\n  Content-Type: ${type}\n`).join('\n')}`
