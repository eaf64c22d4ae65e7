/**
 * Where a terminal gives a character two columns: East Asian wide and full-width characters, and
 * pictures. https://www.unicode.org/reports/tr11/
 */
const wide: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x2329, 0x232a],
  [0x23e9, 0x23ec],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f004, 0x1f004],
  [0x1f200, 0x1f320],
  [0x20000, 0x3fffd],
]
const joins = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11FF]/u
const picture = /^\p{Emoji_Presentation}/u

/** Columns that a text without control characters takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0
  for (const character of text) width += characterWidth(character)
  return width
}

/**
 * The text, cut in its middle to at most so many columns: what a step is and how far it has come
 * stand at its ends. No character is torn from its marks.
 */
export function fitText(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  if (columns < 1) return ''
  const segments = new Intl.Segmenter(undefined, {granularity: 'grapheme'})
  const parts = [...segments.segment(text)].map(({segment}) => segment)
  const kept = columns - 1
  const end = take(parts.toReversed(), Math.floor(kept / 2))
  const start = take(parts, kept - end.width)
  return `${start.parts.join('')}…${end.parts.toReversed().join('')}`
}

/** As many from the front as fit. */
function take(parts: readonly string[], columns: number): {parts: string[]; width: number} {
  const taken: string[] = []
  let width = 0
  for (const part of parts) {
    const next = width + textWidth(part)
    if (next > columns) break
    taken.push(part)
    width = next
  }
  return {parts: taken, width}
}

function characterWidth(character: string): number {
  const code = character.codePointAt(0) ?? 0
  if (code === 0xfe0f) return 1 // may make a picture of what stands before it
  if (code < 0x300) return code === 0xad ? 0 : 1
  if (joins.test(character)) return 0
  return wide.some(([first, last]) => code >= first && code <= last) || picture.test(character)
    ? 2
    : 1
}
