import {textWidth} from './terminal/text-width.js'

/** Wider lines are hard to read, however wide the terminal is. */
export const widestPage = 120
/** The part of a line that names may take before their texts begin on the next line. */
const mostOfLine = 0.4
const gap = 2

/** A name, and what it is; with neither a row is left out. */
export type Row = readonly (string | undefined)[]

/**
 * Names with their texts beside them, each wrapped to `width` columns. The text of a name that is
 * much longer than the others begins on the line after it.
 */
export function twoColumns(rows: readonly Row[], width: number): string {
  const names = rows.map(([name = '']) => shownWidth(name.trimEnd()))
  const limit = Math.floor(width * mostOfLine)
  const column = Math.max(0, ...names.filter((each) => each <= limit))
  const lines = rows.flatMap(([name = '', text = '']) => {
    const left = name.trimEnd()
    if (left === '' && text === '') return []
    if (text === '') return [left]
    const right = wrapText(text.trim(), width - column - gap).split('\n')
    const indented = right.map((line) => ' '.repeat(column + gap) + line)
    const used = shownWidth(left)
    if (used > column) return [...wrapText(left, width).split('\n'), ...indented]
    return [
      left + ' '.repeat(column - used) + (indented[0] ?? '').slice(column),
      ...indented.slice(1),
    ]
  })
  return lines.join('\n')
}

/**
 * A text in lines of at most `width` columns, broken at blanks; a word that is longer than a line
 * is broken after a sign in it, or anywhere. Line ends stay.
 */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => wrapLine(line, Math.max(1, width)))
    .join('\n')
}

function wrapLine(line: string, width: number): string {
  if (shownWidth(line) <= width) return line
  const lines: string[] = []
  let current = ''
  for (const word of line
    .trimEnd()
    .split(' ')
    .flatMap((each) => piecesOf(each, width))) {
    const joined = current === '' ? word.text : `${current}${word.isStart ? ' ' : ''}${word.text}`
    if (lines.length === 0 && current === '') current = word.text
    else if (shownWidth(joined) <= width) current = joined
    else {
      lines.push(current)
      current = word.text
    }
  }
  return [...lines, current].join('\n')
}

interface Piece {
  readonly text: string
  /** Whether a blank stands before it. */
  readonly isStart: boolean
}

/** A word; one that is longer than a line in pieces, each with the sign that ends it. */
function piecesOf(word: string, width: number): Piece[] {
  if (shownWidth(word) <= width) return [{text: word, isStart: true}]
  const parts = word.match(/[^./,:|=-]*[./,:|=-]+|[^./,:|=-]+$/g) ?? [word]
  const short = parts.flatMap((part) => inChunks(part, width))
  return short.map((text, index) => ({text, isStart: index === 0}))
}

function inChunks(part: string, width: number): string[] {
  const chunks: string[] = []
  for (const {segment} of new Intl.Segmenter().segment(part)) {
    const last = chunks.at(-1)
    if (last !== undefined && textWidth(last + segment) <= width)
      chunks.splice(-1, 1, last + segment)
    else chunks.push(segment)
  }
  return chunks
}

/** Columns, without the sequences that colour a text. */
function shownWidth(text: string): number {
  // eslint-disable-next-line no-control-regex
  return textWidth(text.replaceAll(/\u001B\[[\d;]*m/g, ''))
}
