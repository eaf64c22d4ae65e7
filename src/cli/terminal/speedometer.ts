import prettyBytes from 'pretty-bytes'
import {type ByteEvent, redrawInterval, timeLeft} from './progress-text.js'

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
