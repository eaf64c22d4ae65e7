import type {Step} from '../../ports.js'
import {signalExitCodes} from './exit-code.js'

/** Milliseconds after a signal in which another one changes nothing. */
const patience = 2000

type SignalName = keyof typeof signalExitCodes

/**
 * One `AbortSignal` for the whole run, aborted by the first SIGINT, SIGTERM, SIGHUP or SIGQUIT; one
 * that comes two seconds later ends the process at once.
 */
export interface Interruption {
  readonly signal: AbortSignal
  /** The exit code of the signal that came; `undefined` while none did. */
  exitCode(): number | undefined
  /** Gives the signals back to the listeners of before. */
  release(): void
}

/**
 * What an interrupted run left, and what to do next, by the step that it had come to. While tags
 * move the error itself says where they are.
 */
export function interruptedHint(step: Step | undefined): string | undefined {
  switch (step) {
    case 'read image':
    case 'compare':
      return 'no tag was moved'
    case 'pack and push':
      return 'no tag was moved; run the same command again'
    case 'unpack':
    case 'save':
      return 'no temporary files were left; run the same command again'
    case 'copy':
      return 'no tag was moved; run the same command again, which skips what was copied'
    case 'copy images':
      return 'run the same command again, which skips what was copied'
    default:
      return undefined
  }
}

export function listenForSignals(target: NodeJS.Process = process): Interruption {
  const controller = new AbortController()
  let received: SignalName | undefined
  let since = 0
  const names = Object.keys(signalExitCodes) as SignalName[]
  const onSignal = (name: NodeJS.Signals): void => {
    if (received) {
      // one Ctrl-C may arrive twice, from the terminal and from the process that started us:
      // cleaning up comes first
      if (Date.now() - since > patience) target.exit(signalExitCodes[name as SignalName])
      return
    }
    received = name as SignalName
    since = Date.now()
    controller.abort(new DOMException(`interrupted by ${name}`, 'AbortError'))
  }
  for (const name of names) target.on(name, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => received && signalExitCodes[received],
    release() {
      for (const name of names) target.off(name, onSignal)
    },
  }
}
