import prettyBytes from 'pretty-bytes'
import {escapedJson, plainText} from '../render/text/escape.js'
import {outcomeLine} from '../render/fleet/outcome.js'
import {amount, countLine, messageLine} from './progress-text.js'
import type {Progress, Terminal} from './terminal.js'

export const progressModes = ['auto', 'tty', 'plain', 'json', 'none'] as const
export type ProgressMode = (typeof progressModes)[number]

/**
 * `auto` is a line that redraws itself on a terminal that can, else a line for every step. `quiet`
 * shows nothing at all.
 */
export async function createProgress(
  mode: ProgressMode,
  {quiet, debug}: {readonly quiet: boolean; readonly debug: boolean},
  terminal: Terminal,
): Promise<Progress> {
  if (quiet) return {report: () => undefined, end: () => undefined}
  const {isTTY, env} = terminal
  const dumb = !isTTY || Boolean(env['CI']) || env['TERM'] === 'dumb' || debug
  switch (mode === 'auto' ? (dumb ? 'plain' : 'tty') : mode) {
    case 'json':
      return {
        report: (event) => terminal.write(`${escapedJson(JSON.stringify(event))}\n`),
        end: () => undefined,
      }
    case 'tty': {
      const {drawnOnTerminal} = await import('./drawn-progress.js')
      return drawnOnTerminal(terminal)
    }
    case 'none':
      return {report: (event) => terminal.write(messageLine(event)), end: () => undefined}
    default:
      return plain(terminal)
  }
}

/** What takes long says every ten seconds that it goes on. */
const plainInterval = 10_000

function plain(terminal: Terminal): Progress {
  const images = {expected: 0, done: 0, sent: 0}
  let step = ''
  let said = terminal.now()
  const say = (text: string): void => {
    said = terminal.now()
    terminal.write(`inject: ${text}\n`)
  }
  const sayIfDue = (text: string): void => {
    if (terminal.now() - said >= plainInterval) say(text)
  }
  return {
    report(event) {
      switch (event.kind) {
        case 'step':
          step = event.step
          say(`${step}: ${plainText(event.on)}`)
          break
        case 'bytes':
          sayIfDue(`${step}: ${amount(event)}`)
          break
        case 'images':
          images.expected = event.total
          break
        case 'finished':
          images.done++
          say(`${plainText(outcomeLine(event.outcome))} (${countLine(images)})`)
          break
        case 'sent':
          images.sent += event.bytes
          sayIfDue(`${prettyBytes(images.sent)} sent (${countLine(images)})`)
          break
        default:
          terminal.write(messageLine(event))
      }
    },
    end: () => undefined,
  }
}
