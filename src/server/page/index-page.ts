import {html, type Html} from '../../picture/html.js'
import {readSubject} from './read-subject.js'
import type {Reading} from './reading.js'
import type {IndexSubject} from './subject.js'
import {subjectCells, subjectColumns} from './subject-cells.js'
import {table} from '../../picture/table.js'
import {link, pathOf} from './text.js'
import {type ListWindow, windowed} from './window.js'

const mostRows = 50

/** The manifests that an index lists, and what each of them is. */
export async function indexBody(
  name: string,
  {children}: IndexSubject,
  reading: Reading,
  window: ListWindow,
): Promise<Html> {
  const {shown, caption, pages} = windowed(children, 'manifest', mostRows, window)
  const rows: Html[][] = []
  for (const {digest, platform} of shown) {
    const subject = await readSubject(reading, digest)
    const title = link(pathOf(name, digest), html`${platform ?? 'no platform'}`)
    rows.push([title, ...subjectCells(name, subject)])
  }
  return html`<h2>Manifests</h2>
    ${table(caption, [{title: 'Platform'}, ...subjectColumns], rows)}${pages}`
}
