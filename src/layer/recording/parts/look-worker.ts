// A thread that looks at rows of a walk. It starts from one file, which bin/threads.mjs makes of
// this one and all that it imports: look-worker.js, beside this one and in dist.
import '../../../program/thread-flags.js'
import {workerData} from 'node:worker_threads'
import {RowReader} from '../rows/packed-rows.js'
import {createLook} from '../look-again.js'
import {
  callerWord,
  free,
  lead,
  looking,
  type LookWork,
  other,
  rowsAtOnce,
  untouched,
} from './look-words.js'

const {pieces, words, every, which, before, ...work} = workerData as LookWork

const wordsOfRows = callerWord(words)
const rows = new RowReader({pieces})
const look = createLook(work)

/** Goes on until a row that tells that the thread need not go on. */
function lookAt(): number {
  for (let left = rowsAtOnce; left > 0 && rows.next(); left--) {
    if (look.isKnown(rows)) continue
    const stat = look.at(rows)
    if (!stat || stat.ctimeNs >= before || !look.isAsBefore(stat, rows.numbers)) return left - 1
  }
  return -1
}

function pass(count: number): void {
  for (let left = count; left > 0 && rows.next(); left--);
}

/** Whether the caller will soon come to it. */
function isNear(word: number): boolean {
  const caller = Atomics.load(words, wordsOfRows)
  return caller > 0 && word < caller + lead
}

for (let word = 0; word < wordsOfRows; word++) {
  const isOwn = word % every === which && !isNear(word)
  if (!isOwn || Atomics.compareExchange(words, word, free, looking) !== free) {
    pass(rowsAtOnce)
    continue
  }
  const left = lookAt()
  Atomics.store(words, word, left < 0 ? untouched : other)
  Atomics.notify(words, word)
  pass(left)
}
