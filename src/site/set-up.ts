import {join} from 'node:path'
import {writeFileAtomic} from '../disk/atomic-file.js'
import {ociIndex} from '../oci/media-type.js'
import {makeFolder} from '../store/layout/create.js'
import {statFile} from '../disk/read-file.js'
import {tempPrefix} from '../store/layout/paths.js'
import {apacheConfiguration} from './apache.js'
import {headersFile} from './headers.js'
import {nginxConfiguration} from './nginx.js'
import {sitePaths} from './paths.js'

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
const errors: readonly (readonly [file: string, code: string, message: string])[] = [
  ['name-unknown', 'NAME_UNKNOWN', 'there is no such repository'],
  ['manifest-unknown', 'MANIFEST_UNKNOWN', 'there is no such manifest'],
  ['blob-unknown', 'BLOB_UNKNOWN', 'there is no such blob'],
  ['unsupported', 'UNSUPPORTED', 'no such endpoint'],
  ['read-only', 'UNSUPPORTED', 'this registry is read-only'],
]

/**
 * Writes what every site has beside its images, always the same text: how web servers serve it, and
 * answers that are the same for all. What is there stays, so that anyone who runs the server may
 * change it.
 */
export async function writeSetUp(site: string): Promise<void> {
  await makeFolder(sitePaths.own(site))
  await makeFolder(sitePaths.api(site))
  await makeFolder(sitePaths.errors(site))
  const files: readonly (readonly [path: string, text: string])[] = [
    [join(site, 'nginx.conf'), nginxConfiguration],
    [join(site, 'apache.conf'), apacheConfiguration],
    [join(site, '_headers'), headersFile],
    [sitePaths.noReferrers(site), referrersText([])],
    [sitePaths.ping(site), '{}'],
    ...errors.map(([file, code, message]) => {
      const text = JSON.stringify({errors: [{code, message}]})
      return [sitePaths.error(site, file), text] as const
    }),
  ]
  for (const [path, text] of files)
    if ((await statFile(path)) === undefined)
      await writeFileAtomic(path, text, {mode: 0o644, prefix: tempPrefix})
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function referrersText(manifests: readonly object[]): string {
  return JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests})
}
