import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../../ports.js'
import {plainText} from '../render/escape.js'
import {fitText, textWidth} from './text-width.js'

export type ByteEvent = ProgressEvent & {readonly kind: 'bytes'}

/** Notices and warnings, which are shown in every mode but `quiet`; nothing for the rest. */
export function messageLine(event: ProgressEvent): string {
  if (event.kind === 'notice') return `inject: ${plainText(event.message)}\n`
  if (event.kind === 'warning') return `inject: warning: ${plainText(event.message)}\n`
  return ''
}

/** Milliseconds between two drawings. */
export const redrawInterval = 100
/** How many columns a terminal has that does not say. */
export const usualColumns = 80
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
  const room = (columns || usualColumns) - 1
  const bytes = details.map((detail) => `  ${detail}`).join('')
  const left = room - textWidth(bytes)
  if (left >= leastOfStep) return `${fitText(step, left)}${bytes}`
  if (details.length > 1) return fitStep(step, details.slice(0, -1), columns)
  return fitText(`${step}${bytes}`, room)
}

/** Milliseconds that a rate is taken over: what was long ago says little about what is to come. */
const rateWindow = 10_000

/** How fast bytes go by, and how long that will go on. */
export interface Speedometer {
  begin(now: number): void
  take(event: ByteEvent, now: number): void
  /** After a while, the time that is left and the rate; both times in milliseconds. */
  parts(event: ByteEvent, now: number): string[]
}

export function createSpeedometer(): Speedometer {
  let began = 0
  let samples: {readonly at: number; readonly done: number}[] = []
  return {
    begin(now) {
      began = now
      samples = [{at: now, done: 0}]
    },
    take({done}, now) {
      // a few samples a second are enough
      if (now - (samples.at(-1)?.at ?? 0) >= redrawInterval) samples.push({at: now, done})
      const first = samples.findLastIndex(({at}) => now - at >= rateWindow)
      if (first > 0) samples = samples.slice(first)
    },
    parts({done, total}, now) {
      const [{at, done: before} = {at: now, done}] = samples
      const seconds = (now - at) / 1000
      if (now - began <= 500 || seconds <= 0) return []
      const rate = (done - before) / seconds
      const text = `${prettyBytes(rate)}/s`
      if (!total || rate <= 0 || now - began < 2000) return [text]
      return [timeLeft(Math.max(0, total - done) / rate), text]
    },
  }
}

/** `5 s left`, `3 min left` or `2 h left`. */
export function timeLeft(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s left`
  if (seconds < 3600) return `${Math.ceil(seconds / 60)} min left`
  return `${Math.ceil(seconds / 3600)} h left`
}

/** `1 MB`, or `1 MB of 4 MB (25 %)` where the total is known. */
export function amount({done, total}: ByteEvent): string {
  if (!total) return prettyBytes(done)
  return `${prettyBytes(done)} of ${prettyBytes(total)} (${Math.floor((100 * done) / total)} %)`
}

/** `12 of 60`: images that are done. */
export function countLine({
  done,
  expected,
}: {
  readonly done: number
  readonly expected: number
}): string {
  return `${done} of ${Math.max(expected, done)}`
}
