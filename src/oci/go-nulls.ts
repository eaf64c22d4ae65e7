import type {Known} from './known-members.js'

/**
 * Takes the members of `value` that are `null` for what Go programs take them for, in place: a text
 * of labels or annotations for `""`, any other member for one that is not there. Lists of objects
 * stay `null`, since some of them tell what a document is; members that engines do not know stay
 * too. Returns how many it changed.
 * https://pkg.go.dev/encoding/json#Unmarshal
 */
export function readNullsAsGo(value: unknown, known: Known): number {
  if (typeof value !== 'object' || value === null) return 0
  if (known.kind === 'list') {
    if (!Array.isArray(value)) return 0
    return value.reduce((sum: number, each) => sum + readNullsAsGo(each, known.element), 0)
  }
  const members = value as Record<string, unknown>
  if (known.kind === 'texts') return emptyTexts(members)
  if (known.kind !== 'struct' || Array.isArray(value)) return 0
  let count = 0
  for (const [name, member] of known.members) {
    if (!Object.hasOwn(members, name)) continue
    if (members[name] !== null) count += readNullsAsGo(members[name], member)
    else if (member.kind !== 'list') {
      count++
      Reflect.deleteProperty(members, name)
    }
  }
  return count
}

function emptyTexts(texts: Record<string, unknown>): number {
  if (Array.isArray(texts)) return 0
  const names = Object.keys(texts).filter((name) => texts[name] === null)
  for (const name of names) texts[name] = ''
  return names.length
}
