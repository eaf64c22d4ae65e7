import type {ProgressEvent} from '../../ports.js'
import {wholeSeconds} from '../render/text/duration.js'
import {plainText} from '../render/text/escape.js'
import {createBlobLines} from './blob-lines.js'
import {amount, type ByteEvent, messageLine, redrawInterval} from './progress-text.js'
import {createScreenRegion, fitStep} from './screen-region.js'
import {createSpeedometer} from './speedometer.js'
import type {Progress, Terminal} from './terminal.js'

/** Milliseconds after which the lines are drawn again though nothing happened. */
const tick = 1000

/** What a run on one image shows on a terminal: its step, and blobs on their way below that. */
export function createStepLines(terminal: Terminal): Progress {
  const region = createScreenRegion(terminal)
  const blobs = createBlobLines()
  const speed = createSpeedometer()
  let step: string | undefined
  let bytes: ByteEvent | undefined
  let doing: string | undefined
  let pause: {readonly host: string; readonly until: number} | undefined
  let drawn = -Infinity
  let timer: NodeJS.Timeout | undefined

  const details = (now: number): string[] => {
    const left = pause === undefined ? 0 : pause.until - now
    if (pause && left > 0) {
      const wait = `waiting for ${pause.host}: ${wholeSeconds(Math.max(1000, left))}`
      return [wait, ...(bytes ? [amount(bytes)] : [])]
    }
    if (bytes) return [amount(bytes), ...speed.parts(bytes, now)]
    return doing === undefined ? [] : [doing]
  }
  const draw = (now: number, above = ''): void => {
    drawn = now
    if (step === undefined) return
    const line = fitStep(step, details(now), terminal.columns)
    region.draw([line, ...blobs.lines(terminal)], above)
  }
  const take = (event: ProgressEvent, now: number): boolean => {
    switch (event.kind) {
      case 'step':
        step = `${event.step}: ${plainText(event.on)}`
        bytes = doing = pause = undefined
        speed.begin(now)
        blobs.begin()
        return true
      case 'waiting':
        pause = {host: plainText(event.host), until: now + event.milliseconds}
        return true
      case 'bytes':
        bytes = event
        speed.take(event, now)
        break
      case 'walked':
        doing = `${event.entries.toLocaleString('en')} entries`
        break
      default:
        blobs.take(event)
    }
    return false
  }
  return {
    report(event) {
      const now = terminal.now()
      const above = messageLine(event)
      if (above !== '' && step === undefined) terminal.write(above)
      else if (take(event, now) || above !== '' || now - drawn >= redrawInterval) draw(now, above)
      // the time that is left, and a wait, go on while nothing is reported
      if (step !== undefined)
        timer ??= setInterval(() => {
          const later = terminal.now()
          if (later - drawn >= tick) draw(later)
        }, tick).unref()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      region.clear()
      step = undefined
    },
  }
}
