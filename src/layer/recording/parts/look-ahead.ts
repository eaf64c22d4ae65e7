import type {ResourceLimits, Worker} from 'node:worker_threads'
import {startThread} from '../../../program/program-file.js'
import type {LookAhead, RowsAhead} from '../look-again.js'
import {
  callerWord,
  free,
  looking,
  type LookWork,
  own,
  rowsAtOnce,
  untouched,
  wordCount,
} from './look-words.js'

/** Rows below which a thread takes longer to start than it saves. */
const usualLeast = 100_000
/** Threads, at most. */
const mostThreads = 3
/** Milliseconds in which a thread looks at its rows, but for one that has come to nothing. */
const patience = 100

const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64}

/**
 * `jobs` - 1 threads that look at rows, if there are at least so many. All go from the
 * first row to the last one and pass over what others look at. The caller looks at what no thread
 * has come to before it, and at what was touched.
 */
export function lookAhead(
  {count, ...work}: RowsAhead,
  jobs: number,
  least = usualLeast,
): LookAhead | undefined {
  const threads = Math.min(jobs - 1, mostThreads)
  if (threads < 1 || count < least || work.pieces.some(({buffer}) => !isShared(buffer)))
    return undefined
  const words = new Int32Array(new SharedArrayBuffer(4 * wordCount(count)))
  const workers: Worker[] = []
  try {
    while (workers.length < threads) {
      const which = workers.length + 1
      workers.push(startLookThread({...work, words, every: threads + 1, which}))
    }
  } catch {
    // the caller looks at everything
  }
  let isClean = false
  return {
    isUntouched(row) {
      if (row % rowsAtOnce === 0) isClean = isFoundUntouched(row / rowsAtOnce)
      return isClean
    },
    close() {
      for (const worker of workers) void worker.terminate()
    },
  }

  function isFoundUntouched(word: number): boolean {
    Atomics.store(words, callerWord(words), word + 1)
    const before = Atomics.compareExchange(words, word, free, own)
    if (before === looking) Atomics.wait(words, word, looking, patience)
    return before !== free && Atomics.load(words, word) === untouched
  }
}

function startLookThread(work: LookWork): Worker {
  const worker = startThread(new URL('look-worker.js', import.meta.url), {
    workerData: work,
    resourceLimits,
  })
  // the caller looks at what it does not come to
  worker.on('error', () => undefined)
  worker.unref()
  return worker
}

function isShared(buffer: ArrayBufferLike): boolean {
  return buffer instanceof SharedArrayBuffer
}
