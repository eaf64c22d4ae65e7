import {IntegrityError, LimitError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {isTag} from '../../oci/names/tag.js'
import {compareTags} from '../../store/tags.js'
import type {CallOptions, ManifestStore} from '../../store/content-store.js'
import {readAll} from '../../stream/limit.js'
import {type Connection} from './connection.js'
import {displayUrl} from '../net/endpoint.js'
import {createListBudget} from './list-budget.js'
import {missingPage, nextPage} from './next-page.js'

const pageLimit = 4 * 1024 * 1024
const maxPages = 10_000
const limits = {names: 1_000_000, bytes: 64 * 1024 * 1024}

/**
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags All pages
 * are read before the first tag is returned, in sorted order.
 */
export function createTagLister(connection: Connection): Pick<ManifestStore, 'listTags'> {
  return {
    async *listTags(options = {}) {
      const tags = new Set<string>()
      const seen = new Set<string>()
      let next: URL | undefined = connection.url('tags/list?n=1000')
      const budget = createListBudget(`list of tags at ${displayUrl(next)}`, limits)
      for (let pages = 0; next; pages++) {
        if (pages === maxPages) throw endless(next)
        const page = await getPage(connection, next, {...options, seen})
        budget.spend(page.tags.length, page.bytes)
        for (const tag of page.tags) tags.add(tag)
        next = page.next
      }
      yield* [...tags].sort(compareTags)
    },
  }
}

interface TagPage {
  readonly tags: readonly string[]
  readonly bytes: number
  readonly next: URL | undefined
}

function getPage(
  connection: Connection,
  url: URL,
  {signal, seen}: CallOptions & {readonly seen: Set<string>},
): Promise<TagPage> {
  const what = `list of tags at ${displayUrl(url)}`
  return connection.call(
    {method: 'GET', url, access: 'pull', accept: [200, 404], signal},
    async (response) => {
      if (response.status === 404) {
        await response.discard()
        // for the first page, the repository does not exist; for a later one, the page is lost
        if (seen.size > 0) throw missingPage(what, 'is not there (404)')
        return {tags: [], bytes: 0, next: undefined}
      }
      const body = await readAll(response.body, pageLimit, what)
      const tags = parseTags(body, what)
      return {tags, bytes: body.length, next: nextPage(response, url, {what, seen})}
    },
  )
}

function parseTags(body: Uint8Array, what: string): string[] {
  const value = parseJsonValue(Buffer.from(body).toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(what)
  // Go encodes an empty list as null
  const tags: unknown = ('tags' in value ? value.tags : undefined) ?? []
  if (
    !Array.isArray(tags) ||
    !tags.every((tag): tag is string => typeof tag === 'string' && isTag(tag))
  )
    throw invalid(what)
  return tags
}

function invalid(what: string): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_REGISTRY_ANSWER_INVALID',
    `${what} is not a valid list of tags`,
  )
}

function endless(url: URL): LimitError {
  return new LimitError(
    'ERR_INJECT_TOO_MANY_PAGES',
    `list of tags at ${displayUrl(url)} has more than ${maxPages} pages`,
  )
}
