import {foldName, type Known} from '../../src/oci/known-members.js'

/** A text of a document that was changed in one place, and how. */
export interface JsonMutant {
  readonly text: string
  readonly how: string
}

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * `name` in a spelling that Go takes for it: at least one character differs, in case or by U+017F
 * and U+212A.
 */
function respelled(name: string, random: () => number): string {
  const others = Array.from(name).map((letter) => {
    const same = [letter.toLowerCase(), letter.toUpperCase()]
    if (letter.toLowerCase() === 's') same.push('\u017F')
    if (letter.toLowerCase() === 'k') same.push('\u212A')
    return same.filter((other) => other !== letter)
  })
  const places = others.flatMap((choices, at) => (choices.length > 0 ? [at] : []))
  const sure = places[Math.floor(random() * places.length)]
  return Array.from(name)
    .map((letter, at) => {
      const choices = others[at] ?? []
      const isChanged = choices.length > 0 && (at === sure || random() < 0.3)
      return isChanged ? choices[Math.floor(random() * choices.length)] : letter
    })
    .join('')
}

/** A member that engines know, in a sample. */
export interface KnownPlace {
  readonly path: readonly (string | number)[]
  readonly name: string
  readonly known: Known
}

/**
 * Every member that engines know of every object that `sample` has; also of members that are absent
 * there.
 */
function* knownPlaces(
  sample: unknown,
  known: Known,
  path: readonly (string | number)[] = [],
): Generator<KnownPlace, void, undefined> {
  if (known.kind === 'list' && Array.isArray(sample)) {
    for (const [at, element] of sample.entries()) {
      yield* knownPlaces(element, known.element, [...path, at])
    }
  }
  if (known.kind !== 'struct' || typeof sample !== 'object' || sample === null) return
  for (const [name, member] of known.members) {
    yield {path, name, known: member}
    const value = (sample as Record<string, unknown>)[name]
    if (value !== undefined) yield* knownPlaces(value, member, [...path, name])
  }
}

/**
 * The text of `sample` with a member more in the object at `place`, first or last, or with the
 * member under another name.
 */
function withMember(
  sample: unknown,
  {path, name}: KnownPlace,
  {spelling, instead, first}: {spelling: string; instead: boolean; first: boolean},
): string {
  const write = (value: unknown, left: readonly (string | number)[] | undefined): string => {
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const [next, ...rest] = left ?? []
    const inner = (key: string | number) => (key === next ? rest : undefined)
    if (Array.isArray(value)) {
      return `[${value.map((each, at) => write(each, inner(at))).join(',')}]`
    }
    const members = Object.entries(value).map(([key, member]) => [key, write(member, inner(key))])
    if (left?.length === 0) {
      const own = members.find(([key]) => key === name)
      if (instead && own) own[0] = spelling
      else if (first) members.unshift([spelling, own?.[1] ?? 'null'])
      else members.push([spelling, own?.[1] ?? 'null'])
    }
    return `{${members.map(([key = '', text = '']) => `${JSON.stringify(key)}:${text}`).join(',')}}`
  }
  return write(sample, path)
}

/**
 * `count` mutants of `sample` in which one member has a name that folds to a known one, or stands
 * there twice.
 */
export function* memberMutants(
  sample: unknown,
  known: Known,
  {seed, count}: {readonly seed: number; readonly count: number},
): Generator<JsonMutant, void, undefined> {
  const random = randomOf(seed)
  const places = [...knownPlaces(sample, known)]
  for (let made = 0; made < count; made++) {
    const place = places[made % places.length]
    if (place === undefined) throw new Error('the sample has no known member')
    const spelling = respelled(place.name, random)
    if (foldName(spelling) !== foldName(place.name)) throw new Error(`not a fold: ${spelling}`)
    const [instead, first] = [random() < 0.5, random() < 0.5]
    const how = `${JSON.stringify(spelling)} ${instead ? 'instead of' : 'beside'} ${[...place.path, place.name].join('.')}`
    yield {text: withMember(sample, place, {spelling, instead, first}), how}
  }
}
