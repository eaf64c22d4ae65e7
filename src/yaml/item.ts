import {UsageError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {mistakeAt, type Position} from './position.js'

/** A value of the file, with its place. */
export type Item =
  | {readonly kind: 'map'; readonly at: Position; readonly entries: ReadonlyMap<string, Entry>}
  | {readonly kind: 'list'; readonly at: Position; readonly items: readonly Item[]}
  | {readonly kind: 'scalar'; readonly at: Position; readonly value: Scalar}

export type Scalar = string | number | boolean | null

/** A member of a map, with the place of its key. */
export interface Entry {
  readonly at: Position
  readonly item: Item
}

/** Runs a parser of one value; what it finds wrong is said with the place of the value. */
export function parsedAt<T>({at}: Pick<Item, 'at'>, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof UsageError) || error.code === at.file.invalid) throw error
    throw mistakeAt(at, error.message, error.hint)
  }
}

/** The members of a map that has no others than `known`; `what` names the map in messages. */
export function membersOf(
  item: Item,
  what: string,
  known: readonly string[],
): ReadonlyMap<string, Item> {
  if (item.kind !== 'map') throw mustBe(item, what, 'a map')
  for (const [key, {at}] of item.entries) {
    if (known.includes(key)) continue
    const hint = `${what} has: ${known.join(', ')}`
    throw mistakeAt(at, `unknown key ${quoted(key)} in ${what}`, hint)
  }
  return new Map([...item.entries].map(([key, entry]) => [key, entry.item]))
}

/** The items of a list; `what` names it in messages. */
export function itemsOf(item: Item, what: string): readonly Item[] {
  if (item.kind === 'list') return item.items
  throw mustBe(item, what, 'a list')
}

/** A text; numbers are taken as they were not meant: `1.10` is a text that YAML reads as 1.1. */
export function textOf(item: Item, what: string): string {
  if (item.kind === 'scalar' && typeof item.value === 'string') return item.value
  const isNumber = item.kind === 'scalar' && item.value !== null
  throw mustBe(item, what, 'a text', isNumber ? 'put it in quotes' : undefined)
}

/** A list of texts, or one text alone. */
export function textsOf(item: Item, what: string): readonly string[] {
  return item.kind === 'list' ? item.items.map((each) => textOf(each, what)) : [textOf(item, what)]
}

/** One of some words. */
export function wordOf<Word extends string>(
  item: Item,
  what: string,
  words: readonly Word[],
): Word {
  const text = textOf(item, what)
  const word = words.find((each) => each === text)
  if (word !== undefined) return word
  throw mistakeAt(item.at, `${what} is ${quoted(text)}`, `use ${words.join(', ')}`)
}

/** A whole number from `least` to `most`. */
export function numberOf(
  item: Item,
  what: string,
  {least, most}: {readonly least: number; readonly most: number},
): number {
  if (item.kind === 'scalar' && typeof item.value === 'number') {
    const {value} = item
    if (Number.isInteger(value) && value >= least && value <= most) return value
  }
  throw mustBe(item, what, `a whole number from ${least} to ${most}`)
}

/** `true` or `false`. */
export function booleanOf(item: Item, what: string): boolean {
  if (item.kind === 'scalar' && typeof item.value === 'boolean') return item.value
  throw mustBe(item, what, 'true or false')
}

/** An error about the kind of a value. */
export function mustBe({at}: Item, what: string, kind: string, hint?: string): UsageError {
  return mistakeAt(at, `${what} must be ${kind}`, hint)
}
