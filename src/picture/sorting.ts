import {createHash} from 'node:crypto'
import {html} from './html.js'

/**
 * The one script of a page, in its element: a click on the head of a column sorts its table, and a
 * second one turns the order around. It moves rows that are there, and makes no HTML of any text.
 * Without it the heads are text. https://www.w3.org/WAI/ARIA/apg/patterns/table/examples/sortable-table/
 */
export const sorting = html`<script>
  const collator = new Intl.Collator('en', {numeric: true})

  function keyOf(cell) {
    const text = cell.lastElementChild.textContent.trim()
    const value = cell.querySelector('data')?.value ?? text
    return {number: value === '' ? NaN : Number(value), text}
  }

  /* numbers before texts */
  function compare(one, other) {
    const [first, second] = [isNaN(one.number), isNaN(other.number)]
    if (first !== second) return first - second
    return first ? collator.compare(one.text, other.text) : one.number - other.number
  }

  function sort(body, column, direction) {
    const rows = [...body.rows].map((row) => ({row, key: keyOf(row.cells[column])}))
    rows.sort((one, other) => direction * compare(one.key, other.key))
    body.append(...rows.map(({row}) => row))
  }

  for (const table of document.querySelectorAll('table')) {
    const body = table.tBodies[0]
    if (body.rows.length < 2) continue
    table.classList.add('sortable')
    const heads = [...table.tHead.rows[0].cells]
    for (const [column, head] of heads.entries()) {
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = head.textContent.trim()
      head.replaceChildren(button)
      button.addEventListener('click', () => {
        const turned = head.getAttribute('aria-sort') === 'ascending'
        for (const other of heads) other.removeAttribute('aria-sort')
        head.setAttribute('aria-sort', turned ? 'descending' : 'ascending')
        sort(body, column, turned ? -1 : 1)
      })
    }
  }
</script>`

const text = sorting.toString().slice('<script>'.length, -'</script>'.length)

/**
 * That script, as a source of a policy that allows no other.
 * https://www.w3.org/TR/CSP3/#source-list-syntax
 */
export const sortingSource = `'sha256-${createHash('sha256').update(text).digest('base64')}'`
