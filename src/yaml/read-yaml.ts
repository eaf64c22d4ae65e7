import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
} from 'yaml'
import {type Entry, type Item} from './item.js'
import {mistakeAt, type Position, type WrittenFile} from './position.js'

/** Values, with aliases resolved: an alias of aliases multiplies them. */
const mostValues = 100_000
const deepest = 32

/**
 * The only document of a YAML text, with the place of each value. Aliases are resolved; a key must
 * not stand twice in a map. Throws `UsageError` that starts with `file:line:column`. The caller
 * bounds the text.
 * https://yaml.org/spec/1.2.2/
 */
export function readYaml(text: string, file: WrittenFile): Item {
  const lines = new LineCounter()
  const place = (offset: number): Position => {
    const {line, col: column} = lines.linePos(offset)
    return {file, line, column}
  }
  const start = {file, line: 1, column: 1}
  refuseNesting(text, start)
  // each document is one node: what is wrong with it is in its errors, and nothing is thrown
  const documents = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'silent',
  })
  if (!Array.isArray(documents)) throw mistakeAt(start, 'the file is empty')
  const [document, other] = documents
  if (!document) throw mistakeAt(start, 'the file is empty')
  const [error] = [...document.errors, ...document.warnings]
  if (error) throw mistakeAt(place(error.pos[0]), oneLine(error.message))
  if (other) throw mistakeAt(place(other.range[0]), 'the file has more than one document')

  let values = 0
  const read = (node: Node | null, at: Position, depth: number): Item => {
    if (++values > mostValues)
      throw mistakeAt(at, `the file has more than ${mostValues} values, with aliases resolved`)
    if (depth > deepest) throw mistakeAt(at, `values are nested deeper than ${deepest}`)
    if (isAlias(node)) {
      const target = node.resolve(document)
      if (!target) throw mistakeAt(at, 'the alias has no anchor')
      return read(target, at, depth + 1)
    }
    if (isMap(node)) {
      const entries = new Map<string, Entry>()
      for (const {key, value} of node.items as {key: ParsedNode; value: ParsedNode | null}[]) {
        const keyAt = place(key.range[0])
        if (!isScalar(key) || typeof key.value !== 'string')
          throw mistakeAt(keyAt, 'a key must be a text')
        const valueAt = value ? place(value.range[0]) : keyAt
        entries.set(key.value, {at: keyAt, item: read(value, valueAt, depth + 1)})
      }
      return {kind: 'map', at, entries}
    }
    if (isSeq(node)) {
      const items = (node.items as ParsedNode[]).map((each) =>
        read(each, place(each.range[0]), depth + 1),
      )
      return {kind: 'list', at, items}
    }
    const value: unknown = isScalar(node) ? node.value : null
    if (typeof value === 'string' || typeof value === 'boolean' || value === null)
      return {kind: 'scalar', at, value}
    if (typeof value === 'number') return {kind: 'scalar', at, value}
    throw mistakeAt(at, 'a value must be a text, a number, true, false or null')
  }
  const root = document.contents
  return read(root, root ? place(root.range[0]) : start, 0)
}

/** The parser is recursive: a text of brackets only would exhaust the stack. */
function refuseNesting(text: string, at: Position): void {
  let depth = 0
  let line = 1
  for (const character of text) {
    if (character === '\n') line++
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1)
    if (depth > 1000) throw mistakeAt({...at, line}, 'brackets are nested too deep')
  }
  // indentation nests too, one level for each column
  const indented = text.match(/^ {1000}/m)
  if (indented) throw mistakeAt(at, 'a line is indented too deep')
}

function oneLine(message: string): string {
  const [first = ''] = message.split('\n')
  return first.slice(0, 200)
}
