import {IntegrityError, LimitError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {compareTags} from '../../store/tags.js'
import {readAll} from '../../stream/limit.js'
import {displayUrl} from '../net/endpoint.js'
import type {HttpResponse} from '../net/http.js'
import type {Call, Connection} from './connection.js'
import {createListBudget} from './list-budget.js'
import {nextPage} from './next-page.js'

const pageLimit = 4 * 1024 * 1024
const maxPages = 10_000
const limits = {names: 1_000_000, bytes: 64 * 1024 * 1024}

/** A list of names that a registry gives in pages of JSON. */
export interface NameList extends Pick<Call, 'access' | 'accept' | 'signal'> {
  readonly first: URL
  /** The member of a page that has the names, which is how messages call them, too. */
  readonly member: 'tags' | 'repositories'
  readonly isName: (text: string) => boolean
  /** Called for an accepted status other than 200: the end of the list, unless it throws. */
  readonly onMissing: (response: HttpResponse, what: string, isFirst: boolean) => void
}

/**
 * Reads all pages before the first name is given, sorted bytewise, each once. Throws
 * `IntegrityError` (`ERR_INJECT_REGISTRY_ANSWER_INVALID`) and `LimitError`.
 */
export async function* readNames(
  connection: Connection,
  list: NameList,
): AsyncGenerator<string, void, undefined> {
  const names = new Set<string>()
  const seen = new Set<string>()
  let next: URL | undefined = list.first
  const budget = createListBudget(describe(list, next), limits)
  for (let pages = 0; next; pages++) {
    if (pages === maxPages) throw endless(describe(list, next))
    const page = await getPage(connection, next, list, seen)
    budget.spend(page.names.length, page.bytes)
    for (const name of page.names) names.add(name)
    next = page.next
  }
  yield* [...names].sort(compareTags)
}

interface NamePage {
  readonly names: readonly string[]
  readonly bytes: number
  readonly next: URL | undefined
}

function getPage(
  connection: Connection,
  url: URL,
  list: NameList,
  seen: Set<string>,
): Promise<NamePage> {
  const what = describe(list, url)
  const {access, accept, signal} = list
  return connection.call({method: 'GET', url, access, accept, signal}, async (response) => {
    if (response.status !== 200) {
      await response.discard()
      list.onMissing(response, what, seen.size === 0)
      return {names: [], bytes: 0, next: undefined}
    }
    const body = await readAll(response.body, pageLimit, what)
    const names = parseNames(body, list, what)
    return {names, bytes: body.length, next: nextPage(response, url, {what, seen})}
  })
}

function parseNames(body: Uint8Array, {member, isName}: NameList, what: string): string[] {
  const value = parseJsonValue(Buffer.from(body).toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(what, member)
  // Go encodes an empty list as null
  const names = (value as Readonly<Record<string, unknown>>)[member] ?? []
  if (
    !Array.isArray(names) ||
    !names.every((name): name is string => typeof name === 'string' && isName(name))
  )
    throw invalid(what, member)
  return names
}

function describe({member}: NameList, url: URL): string {
  return `list of ${member} at ${displayUrl(url)}`
}

function invalid(what: string, member: string): IntegrityError {
  return new IntegrityError(
    'ERR_INJECT_REGISTRY_ANSWER_INVALID',
    `${what} is not a valid list of ${member}`,
  )
}

function endless(what: string): LimitError {
  return new LimitError('ERR_INJECT_TOO_MANY_PAGES', `${what} has more than ${maxPages} pages`)
}
