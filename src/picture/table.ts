import {html, type Html} from './html.js'

export interface Column {
  readonly title: string
  /**
   * `number`: to the right, on one line; `brief`: on one line; `bars`: as wide as a drawing needs.
   */
  readonly look?: 'number' | 'brief' | 'bars'
}

/**
 * A table whose first column names its rows. On a narrow screen each row is a list, every cell with
 * its column's title; the roles keep it a table for those who hear it.
 * https://www.w3.org/WAI/ARIA/apg/patterns/table/
 */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Html[])[],
): Html {
  const heads = columns.map(
    ({title, look}) => html`<th role="columnheader" scope="col" class="${look}">${title}</th>`,
  )
  const cells = (row: readonly Html[]): readonly Html[] =>
    row.map((content, at) => {
      const {title, look} = columns[at] ?? {title: ''}
      const inner = html`<span class="key" aria-hidden="true">${title}</span
        ><span>${content}</span>`
      return at === 0
        ? html`<th role="rowheader" scope="row" class="${look}">${inner}</th>`
        : html`<td role="cell" class="${look}">${inner}</td>`
    })
  return html`<table role="table">
    <caption>
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        ${heads}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (row) =>
          html`<tr role="row">
            ${cells(row)}
          </tr>`,
      )}
    </tbody>
  </table>`
}
