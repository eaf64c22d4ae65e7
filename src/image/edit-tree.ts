/** Where a value is: member names and positions, from the outside in. */
export type JsonPath = readonly (string | number)[]

/** One change of a JSON document. */
export type MemberEdit =
  | {readonly kind: 'set' | 'insert'; readonly path: JsonPath; readonly value: unknown}
  | {readonly kind: 'remove'; readonly path: JsonPath}

/** What is to become of one place in a document and of all below it. */
export interface EditNode {
  /** New elements before it, in their order. */
  readonly before: unknown[]
  /** Of the place itself; `undefined`: it stays. */
  own?: OwnEdit | undefined
}

/** What is to become of a value. */
export type OwnEdit =
  {readonly kind: 'set'; readonly value: unknown} | {readonly kind: 'remove'} | WithinEdit

/** Changes of the members of an object or list. */
export interface WithinEdit {
  readonly kind: 'within'
  readonly members: Map<string | number, EditNode>
}

/** The edits by their places. Of two edits of the same place the later one counts. */
export function treeOf(edits: readonly MemberEdit[]): EditNode {
  const root: EditNode = {before: []}
  for (const edit of edits) {
    const node = edit.path.reduce(childOf, root)
    if (edit.kind === 'insert') node.before.push(edit.value)
    else node.own = edit.kind === 'set' ? {kind: 'set', value: edit.value} : {kind: 'remove'}
  }
  return root
}

function childOf(parent: EditNode, key: string | number): EditNode {
  if (parent.own && parent.own.kind !== 'within')
    throw new TypeError(`an edit of ${key} in what another edit replaces`)
  const within: WithinEdit = parent.own ?? {kind: 'within', members: new Map()}
  parent.own = within
  const {members} = within
  const node = members.get(key) ?? {before: []}
  members.set(key, node)
  return node
}

/** The values that a place without content gets: what is inserted there, then what it is set to. */
export function newValues({before, own}: EditNode): unknown[] {
  if (own?.kind === 'set') return [...before, own.value]
  if (own?.kind !== 'within') return before
  const value = newContainer(own)
  return value === undefined ? before : [...before, value]
}

/**
 * The new object or list that holds all that is set in it; `undefined` when nothing is. Throws
 * `TypeError` for a list that would have gaps.
 */
export function newContainer({members}: WithinEdit): unknown {
  const entries = [...members]
    .map(([key, node]) => [key, newValues(node)] as const)
    .filter(([, values]) => values.length > 0)
  if (entries.length === 0) return undefined
  const names = entries.filter(([key]) => typeof key === 'string')
  if (names.length === entries.length)
    return Object.fromEntries(entries.map(([key, [value]]) => [key, value]))
  if (names.length > 0) throw new TypeError('an object cannot have positions')
  return listOf(entries as [number, unknown[]][])
}

function listOf(entries: readonly (readonly [number, unknown[]])[]): unknown[] {
  const list: unknown[] = []
  for (const [key, values] of entries.toSorted(([a], [b]) => a - b)) {
    if (key > list.length) throw new TypeError(`there is no place for ${key}`)
    list.push(...values)
  }
  return list
}
