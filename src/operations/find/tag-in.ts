import {PreconditionError} from '../../errors.js'
import {tagOfFullName} from '../../oci/names/local-name.js'
import {quoted} from '../../oci/quoted.js'
import type {Reference} from '../../oci/names/reference.js'

/**
 * The name that a tag of a place on disk gets in another place. Layouts and their archives take
 * whole names (`docker.io/library/alpine:3.1`); all others take the tag at the end.
 */
export function tagIn<T extends string | undefined>(place: Pick<Reference, 'kind'>, tag: T): T {
  if (tag === undefined || place.kind === 'layout' || place.kind === 'oci-archive') return tag
  return (tagOfFullName(tag) as T | undefined) ?? tag
}

/**
 * Throws `PreconditionError` (`ERR_INJECT_IMAGE_AMBIGUOUS`) if two images would get the same tag,
 * for example when one layout holds several repositories.
 */
export function refuseSameTags(
  images: readonly {readonly tag: string | undefined; readonly digest: string}[],
  place: Pick<Reference, 'kind'>,
): void {
  const names = new Map<string, {tag: string; digest: string}>()
  for (const {tag, digest} of images) {
    if (tag === undefined) continue
    const own = tagIn(place, tag)
    const other = names.get(own)
    if (other && other.digest !== digest) {
      throw new PreconditionError(
        'ERR_INJECT_IMAGE_AMBIGUOUS',
        `two images would get the tag ${quoted(own)}: ${quoted(other.tag)} and ${quoted(tag)}`,
        {hint: 'copy them one by one, each with a tag of its own, or to an OCI layout'},
      )
    }
    names.set(own, {tag, digest})
  }
}
