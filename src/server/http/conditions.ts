import type {IncomingHttpHeaders} from 'node:http'
import type {Digest} from '../../oci/digest.js'
import type {TagMove} from '../../store/content-store.js'
import {Refusal} from './refusal.js'

/**
 * The entity tag of a manifest or blob is its digest.
 * https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
 */
export function etagOf(digest: Digest): string {
  return `"${digest}"`
}

/**
 * Whether an `If-None-Match` names what is there, as it is compared for reading: `W/` counts for
 * nothing.
 */
export function matches(header: string | undefined, digest: Digest): boolean {
  if (header === undefined) return false
  return (
    header.trim() === '*' ||
    tagsIn(header).some((tag) => tag.replace(/^W\//, '') === etagOf(digest))
  )
}

/**
 * Where a tag must stand for a request to be carried out, from `If-Match` and `If-None-Match` and
 * where it stands now (`current`); to be checked once more by the store while it moves the tag.
 * Throws `Refusal` (412) when it stands elsewhere already.
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1
 */
export async function conditionOf(
  headers: IncomingHttpHeaders,
  current: () => Promise<Digest | undefined>,
): Promise<TagMove['from']> {
  const ifMatch = headers['if-match']
  const ifNoneMatch = headers['if-none-match']
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined
  const found = await current()
  const isMatch =
    ifMatch === undefined ||
    (found !== undefined && (ifMatch.trim() === '*' || tagsIn(ifMatch).includes(etagOf(found))))
  const isOther = found === undefined || !matches(ifNoneMatch, found)
  if (isMatch && isOther) return found ?? 'absent'
  const state = found === undefined ? 'does not exist' : `is ${found}`
  throw new Refusal(412, 'DENIED', `the condition does not hold: the manifest ${state}`, {
    headers: found === undefined ? {} : {etag: etagOf(found)},
  })
}

/**
 * https://www.rfc-editor.org/rfc/rfc9110#section-13.1.1 No digest has a comma or a quote in it, so
 * nothing of what matters is cut.
 */
function tagsIn(header: string): string[] {
  return header.split(',').map((tag) => tag.trim())
}
