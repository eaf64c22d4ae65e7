import type {Answer} from '../http/answer.js'
import {readableRepositories, readPage} from '../api/lists.js'
import type {Exchange, Service} from '../http/exchange.js'
import {pageAnswer} from './frame.js'
import {html, type Html} from '../../picture/html.js'
import {fromStore} from './reading.js'
import {table} from '../../picture/table.js'
import {clipped, none} from '../../picture/text.js'
import {faultOf, link, pager, pathOf} from './text.js'
import {found, nextOf, type Search, searchBox, searchIn} from './search.js'
import {lastOnly} from './window.js'

const mostRows = 100

/** All repositories that anyone who asks may read, in pages. */
export async function showRepositories(
  exchange: Exchange<'page'>,
  service: Service,
): Promise<Answer> {
  const {query} = exchange
  const isFirst = !query.has('last')
  const search = searchIn(query)
  const names = found(readableRepositories(exchange, service), search)
  const page = await readPage(names, lastOnly(query), mostRows)
  const rows: Html[][] = []
  for (const name of page.items) {
    const tags = await fromStore(exchange, countTags(name, exchange, service)).catch(faultOf)
    rows.push([link(pathOf(name), clipped(name)), tags])
  }
  const body =
    rows.length === 0
      ? html`<p>${emptyText(search, isFirst)}</p>`
      : table('By name', [{title: 'Repository'}, {title: 'Tags', look: 'number'}], rows)
  return pageAnswer({
    title: 'Repositories',
    body: html`${searchBox('/', 'repositories', search)}${body}${pager('/', nextOf(search, page.next), isFirst && search.text === '')}`,
  })
}

function emptyText({text}: Search, isFirst: boolean): string {
  if (!isFirst) return 'There is nothing beyond this.'
  return text === '' ? 'Nothing has been pushed here.' : 'No repository has that in its name.'
}

async function countTags(name: string, {signal}: Exchange<'page'>, {root}: Service): Promise<Html> {
  signal.throwIfAborted()
  const repository = await root.openRepository(name)
  if (repository === undefined) return none
  let tags = 0
  for await (const tag of repository.listTags({signal})) tags += tag === '' ? 0 : 1
  return html`${tags}`
}
