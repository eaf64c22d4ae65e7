import {storeOpener} from '../../src/cli/ports/store-opener.js'
import {repositoryName} from '../../src/oci/names/reference.js'
import type {Ports, ProgressEvent} from '../../src/ports.js'
import type {ContentStore} from '../../src/store/content-store.js'

/**
 * Ports for operations that run in the test's own process: places on disk are what they are, and
 * `stores` are in the place of the repositories that they are named for. What was reported is in
 * `events`.
 */
export function localPorts(
  stores: Readonly<Record<string, ContentStore>> = {},
  signal: AbortSignal = new AbortController().signal,
): Ports & {readonly events: ProgressEvent[]} {
  const events: ProgressEvent[] = []
  const report = (event: ProgressEvent): void => void events.push(event)
  const open = storeOpener({'password-stdin': false, insecure: false}, {report, signal})
  return {
    events,
    report,
    signal,
    openStore: async (reference, options) => {
      const store = stores[repositoryName(reference)]
      // more than one image of it may be asked for
      return store ? {...store, close: () => Promise.resolve()} : open(reference, options)
    },
  }
}
