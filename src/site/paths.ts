// Where things are in a published site. The only file that knows these paths; the set-up of the web
// servers (nginx.ts, apache.ts) knows them, too.
//
//   SITE/v2/index.html                                  {}: the answer to "is this a registry?"
//   SITE/v2/_catalog, SITE/v2/_errors/NAME              lists and answers as files
//   SITE/v2/NAME/tags/list
//   SITE/v2/NAME/referrers/DIGEST
//   SITE/v2/NAME/blobs/DIGEST
//   SITE/v2/NAME/manifests/REF -> .all/REF/manifest     for every tag and digest; never changes
//   SITE/v2/NAME/manifests/.all/DIGEST/manifest.TYPE    a manifest; TYPE stands for its media type
//                               .../DIGEST/manifest -> manifest.TYPE
//                               .../DIGEST/location     the same as text, for servers without links
//                               .../TAG -> DIGEST       the one thing that moves when a tag does
// SITE/.inject-site/lock                              held by anyone who changes what the site
// names SITE/.inject-site/pool/ALG/HEX                      another name (hard link) of every blob
// So what a server finds out about a tag it finds out by following one link, once: media type,
// digest and bytes are always of one manifest. Names nest (`a` and `a/b`), also where a part is
// called `blobs` or `manifests`: digests have a colon and names have none, so that only a tag or
// `tags/list` can be in the way of a longer name, and that is refused (folders.ts).
import {join} from 'node:path'
import {algorithmOf, type Digest, hexOf} from '../oci/digest.js'
import {tempPrefix} from '../store/layout/paths.js'

export const sitePaths = {
  own: (site: string) => join(site, `${tempPrefix}site`),
  lock: (site: string) => join(site, `${tempPrefix}site`, 'lock'),
  pool: (site: string) => join(site, `${tempPrefix}site`, 'pool'),
  pooled: (site: string, digest: Digest) =>
    join(site, `${tempPrefix}site`, 'pool', algorithmOf(digest), hexOf(digest)),
  api: (site: string) => join(site, 'v2'),
  ping: (site: string) => join(site, 'v2', 'index.html'),
  catalog: (site: string) => join(site, 'v2', '_catalog'),
  errors: (site: string) => join(site, 'v2', '_errors'),
  error: (site: string, name: string) => join(site, 'v2', '_errors', name),
  noReferrers: (site: string) => join(site, 'v2', '_errors', 'no-referrers'),
  /** Of a name that `parseRepositoryName` has accepted. */
  repository: (site: string, name: string) => join(site, 'v2', ...name.split('/')),
}

/** Within the folder of one repository. */
export const namePaths = {
  blobs: (folder: string) => join(folder, 'blobs'),
  blob: (folder: string, digest: Digest) => join(folder, 'blobs', digest),
  tags: (folder: string) => join(folder, 'tags'),
  tagList: (folder: string) => join(folder, 'tags', 'list'),
  referrers: (folder: string) => join(folder, 'referrers'),
  referrersOf: (folder: string, digest: Digest) => join(folder, 'referrers', digest),
  manifests: (folder: string) => join(folder, 'manifests'),
  /** What a client asks for by a tag or digest. */
  named: (folder: string, reference: string) => join(folder, 'manifests', reference),
  all: (folder: string) => join(folder, 'manifests', '.all'),
  /** A manifest's own folder, or the link of a tag to it. */
  entry: (folder: string, reference: string) => join(folder, 'manifests', '.all', reference),
}

/** What the links of `manifests` say, from where they are. */
export function namedTarget(reference: string): string {
  return `.all/${reference}/manifest`
}
