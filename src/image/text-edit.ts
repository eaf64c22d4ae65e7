// Edits of JSON as text. A document's digest covers its bytes, and much in them means something to others that parsing would lose (members
// we do not know, their order, numbers beyond double precision, escapes), so all but the edited member stays as it is, whitespace included.
// Only for text that `parseDocument` has accepted.
import {isDeepStrictEqual} from 'node:util'
import {applyEdits, findNodeAtLocation, type Node, parseTree} from 'jsonc-parser'

/** Where a value is: member names and positions, from the outside in. */
export type JsonPath = readonly (string | number)[]

/**
 * The text with `value` at `path`; the same text when it is there already. Missing objects on the way are made, also where the document has
 * `null` or `{}`; a list grows when the position is its length. What is new looks like what is around it, on one line or indented.
 * Throws `TypeError` when the path leads through something else: the caller knows the document.
 */
export function setMember(text: string, path: JsonPath, value: unknown): string {
  const root = rootOf(text)
  let rest: JsonPath = []
  let node = find(root, path)
  while (!node) {
    rest = path.slice(path.length - rest.length - 1)
    node = find(root, path.slice(0, path.length - rest.length))
  }
  if (rest.length === 0 && isDeepStrictEqual(JSON.parse(source(text, node)), value)) return text
  if (!mayTake(node, rest)) throw new TypeError(`there is no place for ${path.join('.')}`)

  const style = styleOf(text, root)
  const [first, ...others] = rest
  const last = node.children?.at(-1)
  if (first === undefined || last === undefined) {
    const lead = leadOf(text, memberOf(node).offset)
    return replace(text, node.offset, end(node), render(nest(rest, value), lead, style.indent))
  }
  const lead = leadOf(text, last.offset)
  const content = render(nest(others, value), lead, style.indent)
  const name = typeof first === 'string' ? `${JSON.stringify(first)}${style.colon}` : ''
  return replace(text, end(last), end(last), `,${lead}${name}${content}`)
}

/** The text without the member at `path`, and with one comma less; the same text when there is none. */
export function removeMember(text: string, path: JsonPath): string {
  const node = find(rootOf(text), path)
  if (!node) return text
  const member = memberOf(node)
  const container = member.parent
  if (!container?.children) throw new TypeError('a document cannot be removed from itself')

  const position = container.children.indexOf(member)
  const before = container.children[position - 1]
  const after = container.children[position + 1]
  if (before) return replace(text, end(before), end(member), '')
  if (after) return replace(text, member.offset, after.offset, '')
  return replace(text, container.offset + 1, end(container) - 1, '')
}

function rootOf(text: string): Node {
  const root = parseTree(text)
  if (!root) throw new TypeError('there is no document')
  return root
}

function find(root: Node, path: JsonPath): Node | undefined {
  return findNodeAtLocation(root, [...path])
}

/** Whether `rest` can be put below `node`, or is nothing. */
function mayTake(node: Node, [first]: JsonPath): boolean {
  if (first === undefined || node.type === 'null') return true
  if (typeof first === 'string') return node.type === 'object'
  return node.type === 'array' && first === node.children?.length
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
function styleOf(text: string, root: Node): Style {
  const [first] = root.children ?? []
  const [name, value] = first?.children ?? []
  if (!first || !name || !value) return {indent: undefined, colon: ':'}
  return {
    indent: indentationIn(leadOf(text, first.offset)),
    colon: text.slice(end(name), value.offset),
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
  while (start > 0 && ' \t\r\n'.includes(text.charAt(start - 1))) start--
  return text.slice(start, offset)
}

/** What a container holds: the name and the value of an object's member, the bare value of a list's. */
function memberOf(node: Node): Node {
  return node.parent?.type === 'property' ? node.parent : node
}

function source(text: string, node: Node): string {
  return text.slice(node.offset, end(node))
}

function end(node: Node): number {
  return node.offset + node.length
}

function replace(text: string, from: number, to: number, content: string): string {
  return applyEdits(text, [{offset: from, length: to - from, content}])
}
