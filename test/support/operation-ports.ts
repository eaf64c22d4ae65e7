import type {Ports, ProgressEvent} from '../../src/ports.js'
import type {ContentStore} from '../../src/store/content-store.js'

/** Ports of an operation that runs in this process, on one store; what it says is kept. */
export function operationPorts(
  store: ContentStore,
): Ports & {readonly said: string[]; readonly events: ProgressEvent[]} {
  const events: ProgressEvent[] = []
  const said: string[] = []
  return {
    openStore: () => Promise.resolve({...store, close: () => Promise.resolve()}),
    report(event) {
      events.push(event)
      if (event.kind === 'notice' || event.kind === 'warning') said.push(event.message)
    },
    signal: new AbortController().signal,
    events,
    said,
  }
}
