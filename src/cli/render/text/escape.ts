/**
 * What steers a terminal, fakes a line or turns text around: controls (C0, DEL, C1), invisible
 * characters and bidirectional marks, separators of lines, halves of characters.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text on one line, with what is not safe to show as `\u{…}`. */
export function escapedLine(text: string): string {
  return text.replaceAll(unsafe, escape)
}

/** As `escapedLine`, but of several lines, which stay. */
export function escapedLines(text: string): string {
  return text.split('\n').map(escapedLine).join('\n')
}

/** Text on one line, with `�` for what is not safe to show: for columns. */
export function plainText(text: string): string {
  return text.replaceAll(unsafe, '\uFFFD')
}

/**
 * A JSON text that stands for the same document and is safe to show: JSON itself escapes controls
 * up to a blank only.
 */
export function escapedJson(json: string): string {
  return json.replaceAll(/(?![\n\r\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) =>
    Array.from({length: character.length}, (_, at) => unit(character, at)).join(''),
  )
}

function escape(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function unit(character: string, at: number): string {
  return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
}
