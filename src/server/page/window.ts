import {quoted} from '../../oci/quoted.js'
import type {Html} from '../../picture/html.js'
import {pager} from './text.js'
import {single} from '../http/query.js'
import {Refusal} from '../http/refusal.js'

/** Where in a long list to begin, and the place whose list it is. */
export interface ListWindow {
  readonly path: string
  /** How many come before. */
  readonly from: number
}

/**
 * What `readPage` is to read: the length of a page is not for the reader to say. Throws `Refusal`
 * (400).
 */
export function lastOnly(query: URLSearchParams): URLSearchParams {
  const last = single(query, 'last')
  return new URLSearchParams(last === undefined ? {} : {last})
}

/** Throws `Refusal` (400) when `from` is not a number. */
export function windowIn(query: URLSearchParams, path: string): ListWindow {
  const text = single(query, 'from') ?? '0'
  if (/^\d{1,9}$/.test(text)) return {path, from: Number(text)}
  throw new Refusal(400, 'UNSUPPORTED', `invalid from ${quoted(text)}: not a number`)
}

/** The part of a list that one page shows, what to call it, and the links to the other parts. */
export function windowed<T>(
  list: readonly T[],
  thing: string,
  most: number,
  {path, from}: ListWindow,
): {readonly shown: readonly T[]; readonly caption: string; readonly pages: Html} {
  const end = from + most
  const shown = list.slice(from, end)
  const count = `${list.length} ${list.length === 1 ? thing : `${thing}s`}`
  return {
    shown,
    caption:
      shown.length === list.length ? count : `${from + 1} to ${from + shown.length} of ${count}`,
    pages: pager(path, {from: end < list.length ? String(end) : undefined}, from === 0),
  }
}
