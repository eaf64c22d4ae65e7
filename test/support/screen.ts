/**
 * What a terminal shows after `text`, as lines: it knows carriage returns, line ends, cursor up,
 * and clearing to the end of a line or of the screen. Throws for any other control.
 */
export function screenAfter(text: string): string[] {
  const lines: string[] = ['']
  let [row, column] = [0, 0]
  // eslint-disable-next-line no-control-regex -- they are what this is about
  for (const [part, count] of text.matchAll(/\u001B\[(\d*)[A-Z]|[^]/gu)) {
    const line = lines[row] ?? ''
    if (part === '\r') column = 0
    else if (part === '\n') {
      row++
      column = 0
      lines[row] ??= ''
    } else if (part.endsWith('A') && part.startsWith('\u001B')) row -= Number(count || 1)
    else if (part === '\u001B[K') lines[row] = line.slice(0, column)
    else if (part === '\u001B[J') lines.splice(row, Infinity, line.slice(0, column))
    else if (part < ' ') throw new Error(`unknown control ${JSON.stringify(part)}`)
    else {
      lines[row] = line.slice(0, column).padEnd(column) + part + line.slice(column + 1)
      column++
    }
  }
  return lines
}
