import {LimitError} from '../../errors.js'
import {decodeIndex} from '../../oci/image-index.js'
import {ociIndex} from '../../oci/media-type.js'
import {quoted} from '../../oci/quoted.js'
import type {CallOptions} from '../../store/content-store.js'
import {manifestLimit} from '../../oci/manifest-kind.js'
import type {ReferrerDescriptor, ReferrerLister} from '../../store/referrer-lister.js'
import {readAll} from '../../stream/limit.js'
import type {Connection} from './connection.js'
import {displayUrl} from '../net/endpoint.js'
import {createListBudget} from './list-budget.js'
import {missingPage, nextPage} from './next-page.js'

const mostPages = 1000
const limits = {names: 50_000, bytes: 32 * 1024 * 1024}

interface ReferrerPage {
  readonly manifests: readonly ReferrerDescriptor[]
  readonly bytes: number
  readonly next: URL | undefined
}

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers */
export function createReferrerLister(connection: Connection): ReferrerLister {
  return {
    async listReferrers(subject, {signal} = {}) {
      const found: ReferrerDescriptor[] = []
      const seen = new Set<string>()
      let next: URL | undefined = connection.url(`referrers/${subject}`)
      const budget = createListBudget(`list of referrers at ${displayUrl(next)}`, limits)
      for (let pages = 0; next; pages++) {
        if (pages === mostPages) throw endless(next)
        const page = await getPage(connection, next, {signal, seen})
        if (!page) return undefined
        budget.spend(page.manifests.length, page.bytes)
        for (const manifest of page.manifests) found.push(manifest)
        next = page.next
      }
      return found
    },
  }
}

function getPage(
  connection: Connection,
  url: URL,
  {signal, seen}: CallOptions & {readonly seen: Set<string>},
): Promise<ReferrerPage | undefined> {
  return connection.call(
    {method: 'GET', url, access: 'pull', accept: [200, 400, 404, 405, 406], signal},
    async (response) => {
      const what = `list of referrers at ${displayUrl(url)}`
      const type = response.headers['content-type'] ?? ''
      // a server without this API may answer with a web page
      if (response.status !== 200 || !type.toLowerCase().startsWith(ociIndex)) {
        await response.discard()
        if (seen.size === 0) return undefined
        const kind =
          response.status === 200 ? `of type ${quoted(type, 80)}` : `not there (${response.status})`
        throw missingPage(what, `is ${kind}`)
      }
      const body = await readAll(response.body, manifestLimit, what)
      const {manifests} = decodeIndex(body, ociIndex)
      return {manifests, bytes: body.length, next: nextPage(response, url, {what, seen})}
    },
  )
}

function endless(url: URL): LimitError {
  return new LimitError(
    'ERR_INJECT_TOO_MANY_PAGES',
    `list of referrers at ${displayUrl(url)} has more than ${mostPages} pages`,
  )
}
