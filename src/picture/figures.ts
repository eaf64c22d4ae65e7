import prettyBytes from 'pretty-bytes'
import {drawingWidth, type Panel} from './document.js'
import {html, type Html} from './html.js'
import type {Mark, SizedFile, SizeTree} from './size-tree.js'
import {table} from './table.js'
import {clipped, size} from './text.js'
import {treemap} from './treemap.js'

/** A page holds a drawing for each width of the window: text does not shrink with it. */
const layouts = [
  {look: 'wide', width: 1100, height: 560},
  {look: 'medium', width: 700, height: 520},
  {look: 'narrow', width: 350, height: 480},
] as const

/** For all treemaps of a page together, in characters. */
const mostCharacters = 360_000

/** How many treemaps share a page. */
export interface MapShare {
  readonly of: number
}

/** The files of a tree as boxes in proportion to their bytes. */
export function treemapFigure(tree: SizeTree, caption: string, {of}: MapShare): Html {
  const {root} = tree
  if (root.bytes === 0) return html`<p>${caption}: ${noBytes(root.files)}</p>`
  const share = mostCharacters / (layouts.length * of)
  const maps = layouts.map(({look, width, height}) => {
    const drawn = treemap(root, {x: 0, y: 0, width, height}, share)
    return mapOf(drawn, `map ${look}`, {width, height, caption})
  })
  return html`<figure>
    ${maps}
    <figcaption class="quiet">${caption}: ${countOf(tree)}</figcaption>
  </figure>`
}

/** What one side of a comparison has of what differs; `share` of the larger side, 0 to 1. */
export function comparedFigure(
  tree: SizeTree,
  caption: string,
  {of, share}: MapShare & {readonly share: number},
): Html {
  const {root} = tree
  const title = html`<figcaption class="quiet">${caption}: ${countOf(tree)}</figcaption>`
  if (root.bytes === 0) return html`<figure>${title}</figure>`
  const [width, height] = [420, Math.max(24, Math.round(380 * share))]
  const drawn = treemap(root, {x: 0, y: 0, width, height}, mostCharacters / (2 * of))
  return html`<figure>${title}${mapOf(drawn, 'map', {width, height, caption})}</figure>`
}

function mapOf(
  drawn: Html,
  look: string,
  {width, height, caption}: {width: number; height: number; caption: string},
): Html {
  return html`<svg
    class="${look}"
    viewBox="0 0 ${width} ${height}"
    role="img"
    aria-label="${caption}, as boxes in proportion to their size; the table below has the largest"
  >
    ${drawn}
  </svg>`
}

/** The same for a file. */
export function treemapPanel(tree: SizeTree, caption: string): Panel {
  const [width, height] = [drawingWidth, 540]
  const {root} = tree
  const title = html`<text class="soft" y="14">${caption}: ${countOf(tree)}</text>`
  if (root.bytes === 0) return {height: 20, body: title}
  const drawn = treemap(root, {x: 0, y: 0, width, height}, mostCharacters / 3)
  return {
    height: height + 24,
    body: html`${title}<svg class="map" y="24" width="${width}" height="${height}">${drawn}</svg>`,
  }
}

/** The largest files as a table: what the boxes show, in words. */
export function largestTable(files: readonly SizedFile[], caption: string): Html {
  if (files.length === 0) return html``
  const rows = files.map(({path, bytes}) => [html`<code>${clipped(path)}</code>`, size(bytes)])
  return table(caption, [{title: 'Path'}, {title: 'Size', look: 'number'}], rows)
}

/** Which colour means what. */
export function legend(marks: readonly (Mark | 'kept')[]): Html {
  const entries = marks.map(
    (mark) =>
      html`<span
        ><svg class="swatch" aria-hidden="true">
          <rect class="${mark}" width="100%" height="100%" />
        </svg>
        ${names[mark]}</span
      > `,
  )
  return html`<p class="legend">${entries}</p>`
}

/** The same for a file. */
export function legendPanel(marks: readonly (Mark | 'kept')[]): Panel {
  const entries = marks.map(
    (mark, at) =>
      html`<rect class="${mark}" x="${at * 120}" y="3" width="12" height="12" />
        <text class="soft" x="${at * 120 + 18}" y="14">${names[mark]}</text>`,
  )
  return {height: 20, body: html`${entries}`}
}

export const names = {
  added: '+ added',
  removed: '\u2212 removed',
  changed: '~ changed',
  kept: 'in both',
} as const

export function countOf({root: {files, bytes}}: SizeTree): string {
  return `${files} ${files === 1 ? 'file' : 'files'}, ${prettyBytes(bytes)}`
}

function noBytes(files: number): string {
  return files === 0 ? 'no files' : `${files} ${files === 1 ? 'file' : 'files'} without content`
}
