import {quoted} from '../../oci/quoted.js'
import {compareTags} from '../../store/compare-tags.js'
import {single} from '../http/query.js'
import {Refusal} from '../http/refusal.js'

export interface Page {
  readonly items: readonly string[]
  /** The last item of this page when more come after it. */
  readonly next: string | undefined
}

/**
 * The part of a sorted list that `n` and `last` ask for, at most `most` items whatever `n` is; `n` is 0 for none at all. Throws `Refusal` (400)
 * for an `n` that is no number. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
 */
export async function readPage(
  list: AsyncIterable<string>,
  query: URLSearchParams,
  most: number,
): Promise<Page> {
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
export function linkTo(path: string, {items, next}: Page): Record<string, string> {
  if (next === undefined) return {}
  const query = new URLSearchParams({n: String(items.length), last: next})
  return {link: `<${path}?${query.toString()}>; rel="next"`}
}

function lengthIn(query: URLSearchParams, most: number): number {
  const text = single(query, 'n')
  if (text === undefined) return most
  if (/^\d{1,32}$/.test(text)) return Math.min(Number(text), most)
  throw new Refusal(400, 'UNSUPPORTED', `n is no number: ${quoted(text)}`)
}
