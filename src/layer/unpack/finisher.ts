import type {EntryMetadata} from '../entry.js'
import {
  type FileContent,
  type FinishThread,
  largestFile,
  startFinishThread,
} from './threads/finish-thread.js'

/** Gives small files to a thread, once there are so many of them that it is worth its start. */
export interface Finisher {
  /** `undefined` for a file that is the caller's own. Throws what `FinishThread` throws. */
  take(entry: EntryMetadata & {readonly size: number}): FileContent | undefined
  /** Waits, without others having a turn, until all files are what they are to be. */
  settleNow(): void
  /** The same, while others have their turn. */
  settle(): Promise<void>
  close(): void
}

/** Small files before a thread is started. */
const few = 500

/** Without `threads` all files are the caller's own. */
export function createFinisher(threads: boolean): Finisher {
  let thread: FinishThread | undefined
  let isPossible = threads
  let count = 0
  return {
    take(entry) {
      if (!isPossible || entry.size > largestFile || ++count <= few) return undefined
      thread ??= start()
      return thread?.take(entry)
    },
    settleNow: () => thread?.settleNow(),
    settle: async () => thread?.settle(),
    close() {
      isPossible = false
      thread?.close()
      thread = undefined
    },
  }

  function start(): FinishThread | undefined {
    try {
      return startFinishThread()
    } catch {
      // as many threads as may be, or none at all: it goes without
      isPossible = false
      return undefined
    }
  }
}
