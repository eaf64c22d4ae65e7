import {signalExitCodes} from './exit-code.js'

type SignalName = keyof typeof signalExitCodes

/** One `AbortSignal` for the whole run, aborted by the first SIGINT, SIGTERM or SIGHUP; the second one ends the process at once. */
export interface Interruption {
  readonly signal: AbortSignal
  /** The exit code of the signal that came; `undefined` while none did. */
  exitCode(): number | undefined
  /** Gives the signals back to whoever had them. */
  release(): void
}

export function listenForSignals(target: NodeJS.Process = process): Interruption {
  const controller = new AbortController()
  let received: SignalName | undefined
  const names = Object.keys(signalExitCodes) as SignalName[]
  const onSignal = (name: NodeJS.Signals): void => {
    if (received) target.exit(signalExitCodes[name as SignalName])
    received = name as SignalName
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
