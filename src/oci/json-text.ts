// Where things are in the text of a JSON document, without parsing it: in one pass, and keeping
// nothing, since a hostile document may hold millions of values. Only for text that JSON.parse
// accepts.

/** One member of an object, or one element of a list, by offsets into the text. */
export interface JsonMember {
  /** The name, decoded, or the position. */
  readonly key: string | number
  /** Where the name begins; of an element, the value. */
  readonly start: number
  readonly nameEnd: number
  /** Of the value. */
  readonly offset: number
  readonly end: number
}

/**
 * The members of the object or list at `offset`, in the document's order; none when something else
 * is there.
 */
export function* membersOf(text: string, offset: number): Generator<JsonMember, void, undefined> {
  const isObject = text[offset] === '{'
  if (!isObject && text[offset] !== '[') return
  const close = isObject ? '}' : ']'
  let at = skipSpace(text, offset + 1)
  for (let position = 0; text[at] !== close; position++) {
    const start = at
    const nameEnd = isObject ? endOfValue(text, start) : start
    const key = isObject ? stringAt(text, start, nameEnd) : position
    const value = isObject ? skipSpace(text, skipSpace(text, nameEnd) + 1) : start
    const end = endOfValue(text, value)
    yield {key, start, nameEnd, offset: value, end}
    at = skipSpace(text, end)
    if (text[at] === ',') at = skipSpace(text, at + 1)
  }
}

/** Where the value that begins at `offset` ends. */
export function endOfValue(text: string, offset: number): number {
  let depth = 0
  let at = offset
  do {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (code === openBrace || code === openBracket) depth++
    else if (code === closeBrace || code === closeBracket) depth--
    else if (depth === 0) return endOfWord(text, at)
    at++
  } while (depth > 0)
  return at
}

/**
 * Where the closing quote of the string is that opens at `start`; beyond the text when there is
 * none.
 */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) return at
    if (code === backslash) at++
  }
  return at
}

/** The string from its opening quote to behind its closing one, decoded. */
export function stringAt(text: string, start: number, end: number): string {
  const source = text.slice(start, end)
  return source.includes('\\') ? (JSON.parse(source) as string) : source.slice(1, -1)
}

/** The first offset from `offset` on where no whitespace is. */
export function skipSpace(text: string, offset: number): number {
  let at = offset
  while (isSpace(text.charCodeAt(at))) at++
  return at
}

/** Whether a UTF-16 code unit is JSON's whitespace. */
export function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/**
 * Where a number, `true`, `false` or `null` ends that begins at `offset`: at what stands between
 * values.
 */
export function endOfWord(text: string, offset: number): number {
  let at = offset
  while (at < text.length && !isEndOfWord(text.charCodeAt(at))) at++
  return at
}

function isEndOfWord(code: number): boolean {
  return code === comma || code === closeBrace || code === closeBracket || isSpace(code)
}

export const quote = 0x22
export const comma = 0x2c
export const colon = 0x3a
export const openBracket = 0x5b
const backslash = 0x5c
export const closeBracket = 0x5d
export const openBrace = 0x7b
export const closeBrace = 0x7d
