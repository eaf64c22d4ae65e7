import prettyBytes from 'pretty-bytes'
import type {ProgressEvent} from '../../ports.js'
import {plainText} from '../render/text/escape.js'

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
