import {html, type Html} from '../../picture/html.js'
import {single} from '../http/query.js'

/** What is looked for in a list of names. */
export interface Search {
  /** As typed; empty finds all. */
  readonly text: string
  matches(name: string): boolean
}

/** Nothing that is listed has a longer name. */
const longest = 255

/** The search that a request asks for with `q`. Throws `Refusal` (400) if there are several. */
export function searchIn(query: URLSearchParams): Search {
  const text = (single(query, 'q') ?? '').trim().slice(0, longest)
  const wanted = text.toLowerCase()
  return {text, matches: (name) => name.toLowerCase().includes(wanted)}
}

/** Only the names that are looked for. */
export async function* found(
  names: AsyncIterable<string>,
  search: Search,
): AsyncGenerator<string, void, undefined> {
  for await (const name of names) if (search.matches(name)) yield name
}

/** The box: a form that needs no script. `what` is what the list has. */
export function searchBox(path: string, what: string, {text}: Search): Html {
  return html`<form role="search" method="get" action="${path}">
    <label>
      Find ${what}:
      <input type="search" name="q" value="${text}" maxlength="${longest}" autocomplete="off" />
    </label>
    <button>Find</button>
  </form>`
}

/** The query of the page after `last`, for `pager`: nothing after the last page. */
export function nextOf(
  {text}: Search,
  last: string | undefined,
): Readonly<Record<string, string | undefined>> {
  return last === undefined ? {} : {last, q: text === '' ? undefined : text}
}
