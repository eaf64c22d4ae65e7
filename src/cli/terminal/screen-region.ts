import {usualColumns} from './progress-text.js'
import type {Terminal} from './terminal.js'
import {fitText, textWidth} from './text-width.js'

/** Lines at the bottom of a terminal that are drawn again and again. */
export interface ScreenRegion {
  /** Replaces what is drawn; `above` is complete lines that stay. */
  draw(lines: readonly string[], above?: string): void
  /** Leaves the terminal as if nothing had been drawn. */
  clear(): void
}

/** How many columns a line may have: the last one stays empty, since some terminals wrap there. */
export function roomOf({columns}: Pick<Terminal, 'columns'>): number {
  return (columns || usualColumns) - 1
}

/** Lines that do not fit are cut, so that none is wrapped. */
export function createScreenRegion(terminal: Terminal): ScreenRegion {
  let drawn: readonly string[] = []

  /** Moves to where the lines begin, and clears from there. */
  const cleared = (): string => {
    if (drawn.length === 0) return ''
    // a terminal that became narrower has wrapped what was drawn
    const columns = terminal.columns || usualColumns
    const rows = drawn.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(textWidth(line) / columns)),
      0,
    )
    drawn = []
    return rows > 1 ? `\r\u001B[${rows - 1}A\u001B[J` : '\r\u001B[K'
  }
  return {
    draw(lines, above = '') {
      const room = roomOf(terminal)
      const before = cleared()
      drawn = lines.map((line) => fitText(line, room))
      // one write: a terminal never shows a half of it
      terminal.write(`${before === '' ? '\r\u001B[K' : before}${above}${drawn.join('\n')}`)
    },
    clear() {
      if (drawn.length > 0) terminal.write(cleared())
    },
  }
}

/** So many of the step's own are shown before how far it has come gives way. */
const leastOfStep = 12

/**
 * One line of the terminal: a longer one would be broken into two, of which only the last is drawn
 * again. Details that do not fit are left out, the last one first. The last column stays empty,
 * since some terminals go on to the next line there.
 */
export function fitStep(
  step: string,
  details: readonly string[],
  columns: number | undefined,
): string {
  const room = roomOf({columns})
  const bytes = details.map((detail) => `  ${detail}`).join('')
  const left = room - textWidth(bytes)
  if (left >= leastOfStep) return `${fitText(step, left)}${bytes}`
  if (details.length > 1) return fitStep(step, details.slice(0, -1), columns)
  return fitText(`${step}${bytes}`, room)
}
