import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../../ports.js'
import {escapedJson, plainText} from '../render/escape.js'
import {fitText, textWidth} from './text-width.js'

export const progressModes = ['auto', 'tty', 'plain', 'json', 'none'] as const
export type ProgressMode = (typeof progressModes)[number]

/** Where progress is drawn, and what of its surroundings decides how. */
export interface Terminal {
  write(text: string): void
  readonly isTTY: boolean
  /** Of a line, now: terminals are resized. */
  readonly columns?: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Milliseconds, of any clock that does not go back. */
  now(): number
}

/** Draws what an operation reports; `end` leaves the terminal as it found it. */
export interface Progress {
  report(event: ProgressEvent): void
  end(): void
}

/**
 * `auto` is a line that redraws itself on a terminal that can, else a line for every step. `quiet`
 * shows nothing at all.
 */
export function createProgress(
  mode: ProgressMode,
  {quiet, debug}: {readonly quiet: boolean; readonly debug: boolean},
  terminal: Terminal,
): Progress {
  if (quiet) return {report: () => undefined, end: () => undefined}
  const {isTTY, env} = terminal
  const dumb = !isTTY || Boolean(env['CI']) || env['TERM'] === 'dumb' || debug
  switch (mode === 'auto' ? (dumb ? 'plain' : 'tty') : mode) {
    case 'json':
      return {
        report: (event) => terminal.write(`${escapedJson(JSON.stringify(event))}\n`),
        end: () => undefined,
      }
    case 'tty':
      return redrawn(terminal)
    case 'none':
      return {report: (event) => terminal.write(messageLine(event)), end: () => undefined}
    default:
      return plain(terminal)
  }
}

/** Notices and warnings, which are shown in every mode but `quiet`; nothing for the rest. */
function messageLine(event: ProgressEvent): string {
  if (event.kind === 'notice') return `inject: ${plainText(event.message)}\n`
  if (event.kind === 'warning') return `inject: warning: ${plainText(event.message)}\n`
  return ''
}

/** A long step says every ten seconds that it goes on. */
const plainInterval = 10_000

function plain(terminal: Terminal): Progress {
  let step = ''
  let said = terminal.now()
  return {
    report(event) {
      terminal.write(messageLine(event))
      if (event.kind === 'step') {
        step = event.step
        said = terminal.now()
        terminal.write(`inject: ${step}: ${plainText(event.on)}\n`)
      } else if (event.kind === 'bytes' && terminal.now() - said >= plainInterval) {
        said = terminal.now()
        terminal.write(`inject: ${step}: ${amount(event)}\n`)
      }
    },
    end: () => undefined,
  }
}

const redrawInterval = 100
const clearLine = '\r\u001B[K'

function redrawn(terminal: Terminal): Progress {
  let step: {readonly step: string; readonly on: string; readonly since: number} | undefined
  let drawn = -Infinity
  let isDrawn = false
  const clear = (): void => {
    if (isDrawn) terminal.write(clearLine)
    isDrawn = false
  }
  const draw = (details: readonly string[] = []): void => {
    if (!step) return
    isDrawn = true
    terminal.write(`${clearLine}${fitStep(`${step.step}: ${step.on}`, details, terminal.columns)}`)
  }
  return {
    report(event) {
      if (event.kind === 'step') {
        step = {step: event.step, on: plainText(event.on), since: terminal.now()}
        drawn = -Infinity
        draw()
      } else if (event.kind === 'bytes' && terminal.now() - drawn >= redrawInterval) {
        drawn = terminal.now()
        const seconds = step ? (drawn - step.since) / 1000 : 0
        draw([amount(event), ...speed(event, seconds)])
      } else if (event.kind !== 'bytes') {
        clear()
        terminal.write(messageLine(event))
        draw()
      }
    },
    end() {
      clear()
      step = undefined
    },
  }
}

/** How many columns a terminal has that does not say. */
const usualColumns = 80
/** So many of the step's own are shown before how far it has come gives way. */
const leastOfStep = 12

/**
 * One line of the terminal: a longer one would be broken into two, of which only the last is drawn
 * again. Details that do not fit are left out, the last one first. The last column stays empty,
 * since some terminals go on to the next line there.
 */
function fitStep(step: string, details: readonly string[], columns: number | undefined): string {
  const room = (columns || usualColumns) - 1
  const bytes = details.map((detail) => `  ${detail}`).join('')
  const left = room - textWidth(bytes)
  if (left >= leastOfStep) return `${fitText(step, left)}${bytes}`
  if (details.length > 1) return fitStep(step, details.slice(0, -1), columns)
  return fitText(`${step}${bytes}`, room)
}

/** After a while: how long it will go on, and how fast it goes. */
function speed({done, total}: ProgressEvent & {kind: 'bytes'}, seconds: number): string[] {
  if (seconds <= 0.5) return []
  const rate = `${prettyBytes(done / seconds)}/s`
  if (!total || done === 0 || seconds < 2) return [rate]
  return [timeLeft(((total - done) * seconds) / done), rate]
}

function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s left`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min left`
  return `${Math.ceil(seconds / 3600)} h left`
}

function amount({done, total}: ProgressEvent & {kind: 'bytes'}): string {
  if (!total) return prettyBytes(done)
  return `${prettyBytes(done)} of ${prettyBytes(total)} (${Math.floor((100 * done) / total)} %)`
}
