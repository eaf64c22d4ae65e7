import {quoted} from '../../oci/quoted.js'
import {compareTags} from '../../store/tags.js'
import {type Exchange, type Handler, type Service, existing} from '../http/exchange.js'
import {jsonAnswer} from '../http/answer.js'
import {single} from '../http/query.js'
import {Refusal} from '../http/refusal.js'

export interface ListPage {
  readonly items: readonly string[]
  /** The last item of this page when more come after it. */
  readonly next: string | undefined
}

/**
 * The part of a sorted list that `n` and `last` ask for, at most `most` items whatever `n` is; `n`
 * is 0 for none at all. Throws `Refusal` (400) for an `n` that is not a number.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function readPage(
  list: AsyncIterable<string>,
  query: URLSearchParams,
  most: number,
): Promise<ListPage> {
  const length = lengthIn(query, most)
  const last = single(query, 'last') ?? ''
  const items: string[] = []
  if (length === 0) return {items, next: undefined}
  for await (const item of list) {
    if (last !== '' && compareTags(item, last) <= 0) continue
    if (items.length === length) return {items, next: items.at(-1)}
    items.push(item)
  }
  return {items, next: undefined}
}

/** The `Link` to the page after `next`; nothing after the last. */
function linkTo(path: string, {items, next}: ListPage): Record<string, string> {
  if (next === undefined) return {}
  const query = new URLSearchParams({n: String(items.length), last: next})
  return {link: `<${path}?${query.toString()}>; rel="next"`}
}

function lengthIn(query: URLSearchParams, most: number): number {
  const text = single(query, 'n')
  if (text === undefined) return most
  if (/^\d{1,32}$/.test(text)) return Math.min(Number(text), most)
  throw new Refusal(400, 'UNSUPPORTED', `invalid n ${quoted(text)}: not a number`)
}
/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
export const listTags: Handler<'tags'> = async ({route, query, signal}, service) => {
  const {repository: name} = route
  const repository = await existing(service, name)
  const page = await readPage(repository.listTags({signal}), query, service.limits.pageLength)
  return jsonAnswer({name, tags: page.items}, {headers: linkTo(`/v2/${name}/tags/list`, page)})
}
/**
 * The repositories that anyone who asks may read.
 * https://distribution.github.io/distribution/spec/api/#catalog
 */
export const listCatalog: Handler<'catalog'> = async (exchange, service) => {
  const page = await readPage(
    readableRepositories(exchange, service),
    exchange.query,
    service.limits.pageLength,
  )
  return jsonAnswer({repositories: page.items}, {headers: linkTo('/v2/_catalog', page)})
}
/** By name, those that anyone who asks may pull from. */
export async function* readableRepositories(
  {identity, signal}: Pick<Exchange, 'identity' | 'signal'>,
  {root, access}: Service,
): AsyncGenerator<string, void, undefined> {
  for await (const name of root.listRepositories({signal})) {
    if (access.allows(identity, 'pull', name)) yield name
  }
}
