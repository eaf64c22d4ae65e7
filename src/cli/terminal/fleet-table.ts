import prettyBytes from 'pretty-bytes'
import {isFailure, type OutcomeStatus} from '../../fleet/report/outcome.js'
import type {ProgressEvent} from '../../ports.js'
import {wholeSeconds} from '../render/text/duration.js'
import {plainText} from '../render/text/escape.js'
import {outcomeLine, statusCounts} from '../render/fleet/outcome.js'
import {amount, countLine, messageLine, redrawInterval, timeLeft} from './progress-text.js'
import {createScreenRegion, roomOf} from './screen-region.js'
import type {Progress, Terminal} from './terminal.js'
import {textWidth} from './text-width.js'

/** Lines of images that are worked on; a terminal with fewer rows shows fewer. */
const mostRunning = 8
const usualRows = 24
/** Milliseconds and images from which on the time that is left can be told. */
const soonest = 2000
const fewestDone = 3

/**
 * A table at the bottom of a terminal that is drawn again and again: how many images are done, and
 * those that are worked on. Failures and messages are lines above it, which stay.
 */
export function createFleetTable(terminal: Terminal): Progress {
  const began = terminal.now()
  const counted = createCounts()
  const step = {name: '', bytes: ''}
  const region = createScreenRegion(terminal)
  let drawn = -Infinity

  const draw = (above = ''): void => {
    drawn = terminal.now()
    const rows = (terminal.rows || usualRows) - 3
    const headline = [...counted.headline(drawn - began), step.name, step.bytes].filter(Boolean)
    const line = fitParts(headline, roomOf(terminal))
    region.draw([line, ...counted.runningLines(drawn, rows)], above)
  }
  return {
    report(event) {
      counted.take(event, terminal.now())
      if (event.kind === 'step') {
        step.name = `${event.step}: ${plainText(event.on)}`
        step.bytes = ''
      } else if (event.kind === 'bytes') step.bytes = amount(event)
      const above = lineAbove(event)
      if (above !== '' || terminal.now() - drawn >= redrawInterval) draw(above)
    },
    end: () => region.clear(),
  }
}

/** Messages and failures, which stay. */
function lineAbove(event: ProgressEvent): string {
  if (event.kind !== 'finished') return messageLine(event)
  return isFailure(event.outcome) ? `inject: ${plainText(outcomeLine(event.outcome))}\n` : ''
}

/** What a table shows, by what was told of the images so far; times in milliseconds. */
function createCounts() {
  const totals: Partial<Record<OutcomeStatus, number>> = {}
  const running = new Map<string, number>()
  const images = {expected: 0, done: 0}
  let sent = 0
  return {
    take(event: ProgressEvent, now: number): void {
      if (event.kind === 'images') images.expected = event.total
      else if (event.kind === 'started') running.set(event.image, now)
      else if (event.kind === 'sent') sent += event.bytes
      else if (event.kind === 'finished') {
        const {reference, status} = event.outcome
        running.delete(reference)
        totals[status] = (totals[status] ?? 0) + 1
        images.done++
      }
    },
    headline(elapsed: number): string[] {
      const {done, expected} = images
      const isKnown = elapsed >= soonest && done >= fewestDone && done < expected
      return [
        `${countLine(images)} images`,
        isKnown ? timeLeft(((expected - done) * elapsed) / done / 1000) : '',
        statusCounts(totals).join(', '),
        sent === 0 ? '' : `${prettyBytes(sent)} sent`,
      ]
    },
    runningLines(now: number, rows: number): string[] {
      const shown = [...running].slice(0, Math.max(0, Math.min(mostRunning, rows)))
      const more = running.size - shown.length
      return [
        ...shown.map(([image, since]) => `  ${plainText(image)}  ${wholeSeconds(now - since)}`),
        ...(more > 0 && shown.length > 0 ? [`  and ${more} more`] : []),
      ]
    },
  }
}

/** As many parts as fit, from the first on. */
function fitParts(parts: readonly string[], columns: number): string {
  const line = parts.join('; ')
  if (textWidth(line) <= columns || parts.length <= 1) return line
  return fitParts(parts.slice(0, -1), columns)
}
