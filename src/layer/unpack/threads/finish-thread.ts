import {type ResourceLimits, SHARE_ENV, Worker} from 'node:worker_threads'
import {getSystemErrorName} from 'node:util'
import {localIoError} from '../../../disk/local-io-error.js'
import {type ByteString, readable} from '../../byte-string.js'
import {
  awaitDone,
  createRecords,
  doneAfter,
  doneCount,
  failureOf,
  mostRecords,
  publish,
  publishedCount,
  recordLength,
  roomLength,
  setEnded,
  wake,
  wakeThread,
  writeRecord,
} from './records.js'

/** What a new file is to be like. */
export interface NewFile {
  readonly path: ByteString
  readonly size: number
  readonly mode: number
  readonly mtime: number
}

/** Where the content of one file goes. */
export interface FileContent {
  write(bytes: Uint8Array): void
  skip(zeros: number): void
  /** All of it was written: this new, empty file gets it, and is closed by the thread. */
  handOver(descriptor: number): void
}

/**
 * A thread that writes files and gives them mode and time. It never makes the caller wait: a file
 * that it has no room for is the caller's own. Everything throws `LocalIoError` for what failed
 * with an earlier file.
 */
export interface FinishThread {
  /** `undefined` when there is no room for the file now. */
  take(file: NewFile): FileContent | undefined
  /** Waits, without others having a turn, until nothing is left to do. */
  settleNow(): void
  /** The same, while others have their turn. */
  settle(): Promise<void>
  /** Ends the thread, which only closes the files that are left. */
  close(): void
}

/** Bytes of a file, at most: a larger one is worth a call of its own, and may have holes. */
export const largestFile = 64 * 1024 - 1

/** Seconds without a file that is done. */
const mostIdle = 600

const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64}

/** Takes some 50 ms. Throws where there can be no thread. */
export function startFinishThread(): FinishThread {
  const records = createRecords()
  const view = new DataView(records.room)
  const bytes = Buffer.from(records.room)
  /** Of records that are not done as far as is known, from `seen` on. */
  const pending: {readonly path: ByteString; readonly at: number}[] = []
  let seen = 0
  /** Where the next record may begin. */
  let next = 0
  let crash: Error | undefined
  const worker = new Worker(new URL('finish-worker.js', import.meta.url), {
    workerData: {records},
    // the files were opened by this thread
    trackUnmanagedFds: false,
    resourceLimits,
    env: SHARE_ENV,
  })
  worker.on('error', (error) => {
    crash = error
    wake(records)
  })

  return {
    take({path, size, mode, mtime}) {
      look()
      const at = placeFor(recordLength + size)
      if (at === undefined) {
        wakeThread(records)
        return undefined
      }
      const start = at + recordLength
      let to = start
      return {
        write(part) {
          if (to + part.length > start + size) throw new RangeError('more content than was told')
          bytes.set(part, to)
          to += part.length
        },
        skip(zeros) {
          if (to + zeros > start + size) throw new RangeError('more content than was told')
          bytes.fill(0, to, to + zeros)
          to += zeros
        },
        handOver(descriptor) {
          writeRecord(view, at, {descriptor, mode, mtime, length: to - start})
          pending.push({path, at})
          next = Math.ceil(to / 8) * 8
          publish(records, at)
        },
      }
    },
    settleNow() {
      wakeThread(records)
      let lastSeen = seen
      for (let [end, idle] = [publishedCount(records), 0]; look() < end; idle++) {
        if (seen > lastSeen) idle = 0
        if (idle > mostIdle) throw new Error('the thread that finishes files has stopped')
        lastSeen = seen
        awaitDone(records, seen)
      }
    },
    async settle() {
      wakeThread(records)
      for (const end = publishedCount(records); look() < end;) await doneAfter(records, seen)
    },
    close() {
      setEnded(records)
    },
  }

  /** How many records are done. */
  function look(): number {
    const now = doneCount(records)
    const failure = failureOf(records)
    if (failure) {
      const path = pending[failure.number - seen]?.path ?? ''
      throw localIoError(systemError(failure), failure.step, readable(path))
    }
    if (crash) throw crash
    pending.splice(0, now - seen)
    seen = now
    return seen
  }

  /** Behind the last record, or at the start, where the oldest one leaves so much room. */
  function placeFor(length: number): number | undefined {
    const [oldest] = pending
    if (oldest === undefined) return 0
    if (pending.length >= mostRecords) return undefined
    if (next > oldest.at) {
      if (next + length <= roomLength) return next
      return length < oldest.at ? 0 : undefined
    }
    return next + length < oldest.at ? next : undefined
  }
}

function systemError({step, errno}: {step: string; errno: number}): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno)
  return Object.assign(new Error(`${code}: ${step}`), {code, errno, syscall: step})
}
