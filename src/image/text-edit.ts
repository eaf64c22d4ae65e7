// Edits of JSON as text. A document's digest covers its bytes, and much in them means something to others that parsing would lose (members
// we do not know, their order, numbers beyond double precision, escapes), so all but the edited member stays as it is, whitespace included.
// Only for text that `parseDocument` has accepted.
import {isDeepStrictEqual} from 'node:util'
import {endOfValue, isSpace, type JsonMember, membersOf, skipSpace} from '../oci/json-text.js'
import {parseAccepted} from '../oci/json-value.js'

/** Where a value is: member names and positions, from the outside in. */
export type JsonPath = readonly (string | number)[]

/**
 * The text with `value` at `path`; the same text when it is there already. Missing objects on the way are made, also where the document has
 * `null` or `{}`; a list grows when the position is its length. What is new looks like what is around it, on one line or indented.
 * Throws `TypeError` when the path leads through something else: the caller knows the document.
 */
export function setMember(text: string, path: JsonPath, value: unknown): string {
  let place = documentIn(text)
  for (const [depth, key] of path.entries()) {
    const {found, last} = look(text, place, key)
    if (!found) return add(text, place, last, path.slice(depth), value)
    place = found
  }
  const present = parseAccepted(text.slice(place.offset, place.end))
  return isDeepStrictEqual(present, value) ? text : overwrite(text, place, value)
}

/** The text with `value` in a list, before what is at `path` there now; at the list's end when the position is its length. Else as `setMember`. */
export function insertMember(text: string, path: JsonPath, value: unknown): string {
  let place = documentIn(text)
  for (const key of path) {
    const {found} = look(text, place, key)
    if (!found) return setMember(text, path, value)
    place = found
  }
  const lead = leadOf(text, place.start)
  const content = render(value, lead, styleOf(text).indent)
  return splice(text, place.start, place.start, `${content},${lead}`)
}

/** The text without the member at `path`, and with one comma less; the same text when there is none. */
export function removeMember(text: string, path: readonly [...JsonPath, string | number]): string {
  let place = documentIn(text)
  let container = place
  for (const key of path) {
    const {found} = look(text, place, key)
    if (!found) return text
    container = place
    place = found
  }
  const {before, after} = neighbours(text, container, place)
  if (before) return splice(text, before.end, place.end, '')
  if (after) return splice(text, place.start, after.start, '')
  return splice(text, container.offset + 1, container.end - 1, '')
}

/** A value, and where the part of its container begins that is its own. */
type Place = Pick<JsonMember, 'start' | 'offset' | 'end'>

function documentIn(text: string): Place {
  const offset = skipSpace(text, 0)
  return {start: offset, offset, end: endOfValue(text, offset)}
}

/** The member called `key`, else the last there is. */
function look(
  text: string,
  {offset}: Place,
  key: string | number,
): {found?: Place; last?: JsonMember} {
  let last: JsonMember | undefined
  for (const member of membersOf(text, offset)) {
    if (member.key === key) return {found: member}
    last = member
  }
  return last ? {last} : {}
}

function neighbours(text: string, {offset}: Place, place: Place): {before?: Place; after?: Place} {
  let before: Place | undefined
  for (const member of membersOf(text, offset)) {
    if (member.start > place.start) return before ? {before} : {after: member}
    if (member.start < place.start) before = member
  }
  return before ? {before} : {}
}

/** Puts `value` where nothing is yet, below `place`, whose last member is `last`. */
function add(
  text: string,
  place: Place,
  last: JsonMember | undefined,
  path: JsonPath,
  value: unknown,
): string {
  const [key = '', ...rest] = path
  const kind = text[place.offset]
  const isRoom = typeof key === 'string' ? kind === '{' : kind === '[' && key === nextPosition(last)
  if (!isRoom && kind !== 'n') throw new TypeError(`there is no place for ${path.join('.')}`)
  if (!last) return overwrite(text, place, nest(path, value))

  const {indent, colon} = styleOf(text)
  const lead = leadOf(text, last.start)
  const name = typeof key === 'string' ? `${JSON.stringify(key)}${colon}` : ''
  const content = render(nest(rest, value), lead, indent)
  return splice(text, last.end, last.end, `,${lead}${name}${content}`)
}

function nextPosition(last: JsonMember | undefined): number {
  return last ? Number(last.key) + 1 : 0
}

function overwrite(text: string, place: Place, value: unknown): string {
  const content = render(value, leadOf(text, place.start), styleOf(text).indent)
  return splice(text, place.offset, place.end, content)
}

/** `value` in as many new objects and lists as `path` has segments. */
function nest(path: JsonPath, value: unknown): unknown {
  return path.reduceRight((content, key) => {
    return typeof key === 'number' ? [content] : {[key]: content}
  }, value)
}

interface Style {
  /** What one level is indented by; `undefined` when the document is not broken into lines. */
  readonly indent: string | undefined
  /** What is between a name and its value. */
  readonly colon: string
}

/** The habits of whoever wrote the document, from its first member. */
function styleOf(text: string): Style {
  const [first] = membersOf(text, documentIn(text).offset)
  if (!first) return {indent: undefined, colon: ':'}
  return {
    indent: indentationIn(leadOf(text, first.start)),
    colon: text.slice(first.nameEnd, first.offset),
  }
}

/** `value` as JSON for a place that comes after the whitespace `lead`: over several lines where its neighbours begin lines of their own. */
function render(value: unknown, lead: string, indent: string | undefined): string {
  const indentation = indentationIn(lead)
  if (indentation === undefined || indent === undefined) return JSON.stringify(value)
  const eol = lead.includes('\r\n') ? '\r\n' : '\n'
  return JSON.stringify(value, null, indent).replaceAll('\n', `${eol}${indentation}`)
}

/** What a line that begins in this whitespace is indented by; `undefined` when no line begins in it. */
function indentationIn(whitespace: string): string | undefined {
  return /\n([\t ]*)$/.exec(whitespace)?.[1]
}

/** The whitespace before `offset`. */
function leadOf(text: string, offset: number): string {
  let start = offset
  while (isSpace(text.charAt(start - 1))) start--
  return text.slice(start, offset)
}

function splice(text: string, from: number, to: number, content: string): string {
  return text.slice(0, from) + content + text.slice(to)
}
