import {type ByteString, display} from '../byte-string.js'
import type {TarHandler} from './tar-handler.js'

/** Knows which entry a reader is at, for messages. */
export interface EntryTracker<H extends TarHandler> {
  /** Passes on all calls. */
  readonly handler: H
  /** `in the entry 'a/b'`, `after the entry 'a/b'`; `undefined` before the first one. */
  readonly at: () => string | undefined
}

export function trackEntries<H extends TarHandler>(handler: H): EntryTracker<H> {
  let latest: ByteString | undefined
  let isInside = false
  return {
    handler: {
      ...handler,
      entry(entry, offset) {
        latest = entry.path
        isInside = true
        handler.entry(entry, offset)
      },
      entryEnd() {
        handler.entryEnd()
        isInside = false
      },
    },
    at: () =>
      latest === undefined
        ? undefined
        : `${isInside ? 'in' : 'after'} the entry ${display(latest)}`,
  }
}
