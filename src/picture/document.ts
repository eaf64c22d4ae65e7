import {drawingStyle} from './drawing-style.js'
import {html, type Html} from './html.js'
import {sorting, sortingSource} from './sorting.js'
import {style, styleSource} from './style.js'

/** One page as a file: only the script that sorts tables runs, and nothing is fetched. */
export function pageDocument({title, body}: {readonly title: string; readonly body: Html}): string {
  const policy = [
    "default-src 'none'",
    `style-src ${styleSource}`,
    `script-src ${sortingSource}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${style}
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
        <footer>Made by inject. Sizes of layers are compressed, those of files are not.</footer>
        ${sorting}
      </body>
    </html>`.toString()
}

/** A part of a drawing, from its own upper left corner. */
export interface Panel {
  readonly height: number
  readonly body: Html
}

/** All drawings are so wide. */
export const drawingWidth = 1000

/** Panels below each other as one SVG file. */
export function svgDocument({
  title,
  panels,
}: {
  readonly title: string
  readonly panels: readonly Panel[]
}): string {
  const [margin, space] = [20, 16]
  let y = margin
  const placed = panels.map(({height, body}) => {
    const from = y
    y += height + space
    return html`<svg x="${margin}" y="${from}" width="${drawingWidth}" height="${height}">
      ${body}
    </svg>`
  })
  const [width, height] = [drawingWidth + 2 * margin, y - space + margin]
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    width="${width}"
    height="${height}"
    viewBox="0 0 ${width} ${height}"
    role="img"
    font-family="system-ui, sans-serif"
    font-size="14"
  >
    <title>${title}</title>
    <style>
      ${drawingStyle}
    </style>
    <rect class="back" width="100%" height="100%" />
    ${placed}
  </svg>`.toString()
}

/** Lines of text; the first stands out. */
export function textPanel(lines: readonly string[]): Panel {
  const shown = lines.map(
    (line, at) =>
      html`<text
        class="${at === 0 ? 'ink' : 'soft'}"
        y="${14 + at * 20}"
        font-weight="${at === 0 ? 600 : 400}"
      >
        ${cut(line)}
      </text>`,
  )
  return {height: lines.length * 20, body: html`${shown}`}
}

/** So that it fits the width in most fonts. */
function cut(line: string): string {
  return line.length > 140 ? `${line.slice(0, 139)}…` : line
}
