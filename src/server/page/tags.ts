import type {Answer} from '../http/answer.js'
import {existing, type Exchange, type Service} from '../http/exchange.js'
import {pageAnswer} from './frame.js'
import {html, type Html} from '../../picture/html.js'
import {readSubject} from './read-subject.js'
import {mostBytes} from './reading.js'
import {subjectCells, subjectColumns} from './subject-cells.js'
import {table} from '../../picture/table.js'
import {clipped} from '../../picture/text.js'
import {link, pager, pathOf} from './text.js'
import {found, nextOf, type Search, searchBox, searchIn} from './search.js'
import {lastOnly} from './window.js'
import {readPage} from '../api/lists.js'

const mostRows = 100

/** The tags of one repository, in pages, and what each of them names. */
export async function showTags(
  name: string,
  {query, signal}: Exchange<'page'>,
  service: Service,
): Promise<Answer> {
  const isFirst = !query.has('last')
  const repository = await existing(service, name)
  const search = searchIn(query)
  const page = await readPage(
    found(repository.listTags({signal}), search),
    lastOnly(query),
    mostRows,
  )
  const reading = {repository, signal, left: mostBytes}
  const rows: Html[][] = []
  for (const tag of page.items) {
    const subject = await readSubject(reading, tag)
    rows.push([link(pathOf(name, {tag}), clipped(tag)), ...subjectCells(name, subject)])
  }
  const path = pathOf(name) ?? '/'
  const body =
    rows.length === 0
      ? html`<p>${emptyText(search, isFirst)}</p>`
      : table('Tags, by name', [{title: 'Tag'}, ...subjectColumns], rows)
  return pageAnswer({
    title: name,
    trail: [html`${name}`],
    body: html`${searchBox(path, 'tags', search)}${body}${pager(path, nextOf(search, page.next), isFirst && search.text === '')}`,
  })
}

function emptyText({text}: Search, isFirst: boolean): string {
  if (!isFirst) return 'There is nothing beyond this.'
  return text === '' ? 'There are no tags here.' : 'No tag has that in its name.'
}
