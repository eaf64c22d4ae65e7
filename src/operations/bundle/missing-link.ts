import type {BundleLink} from '../../archive/bundle/bundle-document.js'
import {bundleInvalid} from '../../archive/bundle/bundle-invalid.js'
import type {Bundle} from '../../archive/bundle/open-bundle.js'
import {type InjectError, PreconditionError} from '../../errors.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import {quoted} from '../../oci/quoted.js'

/**
 * The error for blobs that neither the bundle nor the place has: it names the earliest bundle of
 * the chain that brings some of them, which is the next one to load.
 */
export function missingLink(
  {name, needs, links}: Pick<Bundle, 'name' | 'needs' | 'links'>,
  missing: readonly BlobInfo[],
  {where, mounts}: {readonly where: string; readonly mounts: boolean},
): InjectError {
  const linkOf = new Map(needs.map(({digest, link}) => [digest, link]))
  const found = missing.map(({digest}) => linkOf.get(digest) ?? -1)
  const link = links[Math.min(...found)]
  const [first] = missing
  if (!link) return bundleInvalid(name, `it lacks the blob ${first?.digest ?? ''}`)
  const bytes = missing.reduce((sum, {size}) => sum + size, 0)
  const place = mounts ? where : `each repository of ${where} alone (--no-mount)`
  const lacks = `${place} lacks ${missing.length} ${missing.length === 1 ? 'blob' : 'blobs'} (${bytes} bytes) that ${quoted(name)} needs`
  return new PreconditionError(
    'ERR_INJECT_BUNDLE_LINK_MISSING',
    `${lacks}: ${described(link)}; nothing was changed`,
    {expected: link.id, found: 'absent', hint: hintFor(link, mounts)},
  )
}

function described({kind, name, id}: BundleLink): string {
  return kind === 'bundle'
    ? `the bundle ${quoted(name)} (${id}) brings them`
    : `the list of ${quoted(name)} (${id}) had them`
}

function hintFor({kind}: BundleLink, mounts: boolean): string {
  const hint =
    kind === 'bundle'
      ? 'load that bundle first'
      : 'run inject have again, and save the bundle with the new list'
  return mounts
    ? hint
    : `${hint}; if they are in another repository, leave out --no-mount, provided that you trust who made the bundle`
}
