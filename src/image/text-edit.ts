// Edits of JSON as text. A document's digest covers its bytes, and much in them means something to
// others that parsing would lose (members we do not know, their order, numbers beyond double
// precision, escapes), so all but the edited members stay as they are, whitespace included. Only
// for text that `parseDocument` has accepted.
import {isDeepStrictEqual} from 'node:util'
import {parseAccepted} from '../oci/json-value.js'
import {endOfValue, isSpace, type JsonMember, membersOf, skipSpace} from '../oci/json-text.js'
import {
  type EditNode,
  type JsonPath,
  type MemberEdit,
  newContainer,
  newValues,
  treeOf,
  type WithinEdit,
} from './edit-tree.js'
import {type Digest, digestOf, algorithmOf} from '../oci/digest.js'
import type {Encoded} from './image.js'

/** The text that edits work on; a decoded document is UTF-8 for sure. */
export function textOf({bytes}: Pick<Encoded<unknown>, 'bytes'>): string {
  return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
/** What was under sha512 stays under sha512. */
export function digestLike(
  {descriptor}: Pick<Encoded<unknown>, 'descriptor'>,
  bytes: Uint8Array,
): Digest {
  return digestOf(bytes, algorithmOf(descriptor.digest))
}
/**
 * Makes a manifest name another config, of the same media type; what says where else or what the
 * old config is does not hold for the new one.
 */
export function configDescriptorEdits(
  config: Pick<Encoded<unknown>, 'descriptor'>,
  bytes: Uint8Array,
): MemberEdit[] {
  return [
    {kind: 'set', path: ['config', 'digest'], value: digestLike(config, bytes)},
    {kind: 'set', path: ['config', 'size'], value: bytes.length},
    {kind: 'remove', path: ['config', 'urls']},
    {kind: 'remove', path: ['config', 'data']},
  ]
}

export type {JsonPath, MemberEdit} from './edit-tree.js'

/**
 * The text with `value` at `path`; the same text when it is there already. Missing objects on the
 * way are made, also where the document has `null` or `{}`; a list grows when the position is its
 * length. What is new looks like what is around it, on one line or indented. Throws `TypeError`
 * when the path leads through something else: the caller knows the document.
 */
export function setMember(text: string, path: JsonPath, value: unknown): string {
  return editMembers(text, [{kind: 'set', path, value}])
}

/**
 * The text without the member at `path`, and with one comma less; the same text when there is none.
 */
export function removeMember(text: string, path: readonly [...JsonPath, string | number]): string {
  return editMembers(text, [{kind: 'remove', path}])
}

/**
 * The text with all of these edits, each as `setMember` and `removeMember` do it, in one pass,
 * however many they are. Positions in lists are those before any of the edits. `insert` puts its
 * value before what is at its path, or at the list's end; values for one position stand there in
 * the order of the edits. Of several edits of one member the last one counts.
 */
export function editMembers(text: string, edits: readonly MemberEdit[]): string {
  const writer: Writer = {text, parts: [], at: 0, style: undefined}
  editPlace(writer, documentIn(text), treeOf(edits))
  return writer.parts.length === 0 ? text : writer.parts.join('') + text.slice(writer.at)
}

/** The new text so far, and how far the old one is in it. */
interface Writer {
  readonly text: string
  readonly parts: string[]
  at: number
  /** Of the document; found out when it is needed. */
  style: Style | undefined
}

/** A value, and where the part of its container begins that is its own. */
type Place = Pick<JsonMember, 'start' | 'offset' | 'end'>

function documentIn(text: string): Place {
  const offset = skipSpace(text, 0)
  return {start: offset, offset, end: endOfValue(text, offset)}
}

/** Puts `content` in place of the old text between the two offsets. */
function replace(writer: Writer, from: number, to: number, content: string): void {
  writer.parts.push(writer.text.slice(writer.at, from), content)
  writer.at = to
}

function editPlace(writer: Writer, place: Place, {own}: EditNode): void {
  if (own === undefined || own.kind === 'remove') return
  const {text} = writer
  if (own.kind === 'set') {
    const present = parseAccepted(text.slice(place.offset, place.end))
    if (!isDeepStrictEqual(present, own.value)) overwrite(writer, place, own.value)
    return
  }
  const kind = text.charAt(place.offset)
  if (kind === '{' || kind === '[') {
    editContainer(writer, place, own)
    return
  }
  const value = newContainer(own)
  if (value === undefined) return
  if (kind !== 'n') throw noPlace(own)
  overwrite(writer, place, value)
}

/**
 * Every member that stays, or is new, has a separator before it: what stood there, or for the first
 * one what stood before the first.
 */
function editContainer(writer: Writer, place: Place, edits: WithinEdit): void {
  const {text} = writer
  const left = new Map(edits.members)
  const first = text.slice(place.offset + 1, skipSpace(text, place.offset + 1))
  let end = place.offset + 1
  let isEmpty = true
  let last: JsonMember | undefined
  for (const member of membersOf(text, place.offset)) {
    const {before = [], own} = left.get(member.key) ?? {}
    const separator = text.slice(end, member.start)
    for (const [position, value] of before.entries()) {
      const lead = leadOf(text, member.start)
      const between = position === 0 ? separator : `,${lead}`
      replace(writer, end, end, (isEmpty ? first : between) + rendered(writer, value, lead))
      isEmpty = false
    }
    if (own?.kind === 'remove') replace(writer, end, member.end, '')
    else {
      if (before.length > 0) replace(writer, end, member.start, `,${leadOf(text, member.start)}`)
      else if (isEmpty && last) replace(writer, end, member.start, first)
      isEmpty = false
      editPlace(writer, member, {before, own})
    }
    end = member.end
    last = member
    left.delete(member.key)
    if (left.size === 0 && !isEmpty) return
  }
  append(writer, place, {kind: 'within', members: left}, {last, isEmpty, first})
}

interface End {
  /** The last member that was there. */
  readonly last: JsonMember | undefined
  /** Whether none is left. */
  readonly isEmpty: boolean
  /** What stood before the first one. */
  readonly first: string
}

/** Puts what has no place yet behind all that is there. */
function append(writer: Writer, place: Place, rest: WithinEdit, {last, isEmpty, first}: End): void {
  const {text} = writer
  const kind = text.charAt(place.offset)
  const added = [...rest.members]
    .map(([key, node]) => ({key, values: newValues(node)}))
    .filter(({values}) => values.length > 0)
  if (added.some(({key}) => (typeof key === 'string') !== (kind === '{'))) throw noPlace(rest)
  if (!last) {
    if (added.length > 0) overwrite(writer, place, newContainer(rest))
    return
  }
  if (added.length === 0) {
    if (isEmpty) replace(writer, last.end, place.end - 1, '')
    return
  }
  const lead = leadOf(text, last.start)
  const {colon} = styleIn(writer)
  let next = nextPosition(last)
  const parts = added.toSorted(byPosition).flatMap(({key, values}) => {
    if (typeof key === 'number' && key > next) throw noPlace(rest)
    next += values.length
    const name = typeof key === 'string' ? `${JSON.stringify(key)}${colon}` : ''
    return values.map((value) => name + rendered(writer, value, lead))
  })
  const content = (isEmpty ? first : `,${lead}`) + parts.join(`,${lead}`)
  replace(writer, last.end, last.end, content)
}

function byPosition({key: a}: {key: string | number}, {key: b}: {key: string | number}): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : 0
}

function nextPosition(last: JsonMember): number {
  return typeof last.key === 'number' ? last.key + 1 : 0
}

function noPlace({members}: WithinEdit): TypeError {
  return new TypeError(`there is no place for ${[...members.keys()].slice(0, 10).join(', ')}`)
}

function overwrite(writer: Writer, place: Place, value: unknown): void {
  const content = rendered(writer, value, leadOf(writer.text, place.start))
  replace(writer, place.offset, place.end, content)
}

interface Style {
  /** What one level is indented by; `undefined` when the document is not broken into lines. */
  readonly indent: string | undefined
  /** What is between a name and its value. */
  readonly colon: string
}

/** The habits of anyone who wrote the document, from its first member. */
function styleIn(writer: Writer): Style {
  const {text} = writer
  writer.style ??= styleOf(text, membersOf(text, skipSpace(text, 0)).next().value ?? undefined)
  return writer.style
}

function styleOf(text: string, first: JsonMember | undefined): Style {
  if (!first) return {indent: undefined, colon: ':'}
  return {
    indent: indentationIn(leadOf(text, first.start)),
    colon: text.slice(first.nameEnd, first.offset),
  }
}

/**
 * `value` as JSON for a place that comes after the whitespace `lead`: over several lines where its
 * neighbours begin lines of their own.
 */
function rendered(writer: Writer, value: unknown, lead: string): string {
  const indentation = indentationIn(lead)
  const {indent} = styleIn(writer)
  if (indentation === undefined || indent === undefined) return JSON.stringify(value)
  const eol = lead.includes('\r\n') ? '\r\n' : '\n'
  return JSON.stringify(value, null, indent).replaceAll('\n', `${eol}${indentation}`)
}

/**
 * What a line that begins in this whitespace is indented by; `undefined` when no line begins in it.
 */
function indentationIn(whitespace: string): string | undefined {
  const line = whitespace.lastIndexOf('\n')
  return line < 0 || whitespace.includes('\r', line) ? undefined : whitespace.slice(line + 1)
}

/** The whitespace before `offset`. */
function leadOf(text: string, offset: number): string {
  let start = offset
  while (start > 0 && isSpace(text.charCodeAt(start - 1))) start--
  return text.slice(start, offset)
}
