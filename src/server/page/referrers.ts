import type {Digest} from '../../oci/digest.js'
import {html, type Html} from '../../picture/html.js'
import {table} from '../../picture/table.js'
import {clipped, none, size} from '../../picture/text.js'
import type {Referrer} from '../../store/repository.js'
import {Refusal} from '../http/refusal.js'
import {fromStore, type Reading} from './reading.js'
import {link, pathOf} from './text.js'

const mostRows = 100

/** What refers to an image: signatures, statements, lists of files. Nothing if nothing does. */
export async function referrersPart(
  name: string,
  digest: Digest,
  reading: Reading,
): Promise<Html | undefined> {
  let referrers: readonly Referrer[]
  try {
    referrers = await fromStore(reading, firstReferrers(digest, reading))
  } catch (error) {
    // one damaged manifest in the repository must not hide this image
    if (!(error instanceof Refusal)) throw error
    return html`<h2>Referrers</h2>
      <p>They cannot be listed: ${error.message}</p>`
  }
  if (referrers.length === 0) return undefined
  const shown = referrers.slice(0, mostRows)
  const rows = shown.map((each) => [
    link(pathOf(name, each.digest), html`<code>${each.digest}</code>`),
    each.artifactType === undefined ? none : clipped(each.artifactType),
    size(each.size),
  ])
  const caption =
    shown.length < referrers.length ? `The first ${mostRows}` : 'What refers to this digest'
  return html`<h2>Referrers</h2>
    ${table(caption, [{title: 'Digest'}, {title: 'Type'}, {title: 'Size', look: 'number'}], rows)}`
}

/** One more than is shown. */
async function firstReferrers(
  digest: Digest,
  {repository, signal}: Reading,
): Promise<readonly Referrer[]> {
  const referrers: Referrer[] = []
  for await (const each of repository.listReferrers(digest, {signal})) {
    referrers.push(each)
    if (referrers.length > mostRows) break
  }
  return referrers
}
