// Where things are in the text of a JSON document, without parsing it: in one pass, and keeping nothing, since a hostile document may hold
// millions of values. Only for text that JSON.parse accepts.

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

/** The members of the object or list at `offset`, in the document's order; none when something else is there. */
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
    const character = text.charAt(at)
    if (character === '"') at = endOfString(text, at)
    else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (depth === 0) return endOfWord(text, at)
    at++
  } while (depth > 0)
  return at
}

/** Where the closing quote of the string is that opens at `start`; beyond the text when there is none. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
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
  while (isSpace(text.charAt(at))) at++
  return at
}

export function isSpace(character: string): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t'
}

/** Where a number, `true`, `false` or `null` ends that begins at `offset`. */
export function endOfWord(text: string, offset: number): number {
  let at = offset
  while (/[\w.+-]/.test(text.charAt(at))) at++
  return at
}
