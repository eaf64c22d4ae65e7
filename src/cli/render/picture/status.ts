import type {StatusResult} from '../../../operations/status.js'
import {drawingWidth, pageDocument, type Panel, svgDocument} from '../../../picture/document.js'
import {html, type Html} from '../../../picture/html.js'
import {table} from '../../../picture/table.js'
import {clipped, none} from '../../../picture/text.js'
import {noVendor, statusHeads, statusRows, upToDate} from '../follow/status.js'
import {copyable} from './facts.js'

type Shown = Pick<StatusResult, 'images' | 'changed'>

/** Which images are up to date, as a page. */
function statusPage({images, changed}: Shown): string {
  const rows = statusRows(images)
  const shown = rows.slice(0, mostRows).map((cells) => cells.map(cellOf))
  const caption =
    rows.length > mostRows ? `The first ${mostRows} of ${rows.length}` : 'One row for each platform'
  const columns = statusHeads.map((title) => ({
    title: title.charAt(0) + title.slice(1).toLowerCase(),
  }))
  const body = html`<p>${sentence(rows, changed)}</p>
    ${table(caption, columns, shown)}`
  return pageDocument({title: 'Status', body})
}

/** The same as one drawing. */
function statusDrawing({images, changed}: Shown): string {
  const rows = statusRows(images)
  const head = {
    height: 20,
    body: html`<text class="ink" y="14" font-weight="600">${sentence(rows, changed)}</text>`,
  }
  const panels = [head, ...rows.slice(0, mostDrawn).map(rowPanel)]
  return svgDocument({title: 'Status', panels})
}

/** What `--html` and `--svg` write. */
export const statusPictures = {html: statusPage, svg: statusDrawing}

const [mostRows, mostDrawn] = [1000, 100]
const stateColumn = statusHeads.indexOf('STATE')

function sentence(rows: readonly (readonly string[])[], changed: boolean): string {
  const inState = (state: string) => rows.filter((row) => row[stateColumn] === state).length
  const [current, alone] = [inState(upToDate), inState(noVendor)]
  if (!changed && current === rows.length) return `All ${current} up to date`
  const others = alone > 0 ? `, ${alone} without a vendor` : ''
  return `${current} of ${rows.length} up to date${others}`
}

function cellOf(text: string, at: number): Html {
  if (text === '') return none
  if (at === stateColumn) return html`${mark(text)} ${text}`
  return at === 0 ? copyable(text) : clipped(text)
}

/** The words beside it say the same. */
function mark(state: string): Html {
  return html`<svg class="swatch" aria-hidden="true">
    <rect class="${lookOf(state)}" width="100%" height="100%" />
  </svg>`
}

function lookOf(state: string): string {
  if (state === upToDate) return 'added'
  return state === 'unknown' || state === noVendor ? 'mixed' : 'removed'
}

function rowPanel(row: readonly string[]): Panel {
  const [image = '', platform = ''] = row
  const state = row[stateColumn] ?? ''
  const notes = row
    .slice(stateColumn + 1)
    .filter(Boolean)
    .join('  ')
  return {
    height: 44,
    body: html`<rect class="${lookOf(state)}" y="2" width="8" height="38" />
      <text class="ink" x="20" y="16">${cut(`${image}  ${platform}`, 105)}</text>
      <text class="ink" x="${drawingWidth}" y="16" text-anchor="end">${state}</text>
      <text class="soft" x="20" y="36">${cut(notes, 130)}</text>`,
  }
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text
}
