// JavaScript, not TypeScript: a worker thread starts from this very file, in the source tree as
// well as in the built one.
import {closeSync, fchmodSync, futimesSync, writeSync} from 'node:fs'
import {workerData} from 'node:worker_threads'
import {
  awaitPublished,
  countDone,
  failureOf,
  isEnded,
  placeOf,
  publishedCount,
  readRecord,
  recordLength,
  setFailed,
} from './records.js'

/** @type {{records: import('./records.js').Records}} */
const {records} = workerData
const view = new DataView(records.room)
const bytes = Buffer.from(records.room)

/**
 * Acts by descriptor only, on files that the main thread has made.
 *
 * @param {number} number
 */
function finishFile(number) {
  const at = placeOf(records, number)
  const {descriptor, mode, mtime, length} = readRecord(view, at)
  const start = at + recordLength
  /** @type {'write' | 'finish'} */
  let step = 'write'
  try {
    if (isEnded(records) || failureOf(records)) return
    for (let written = 0; written < length;)
      written += writeSync(descriptor, bytes, start + written, length - written, written)
    step = 'finish'
    fchmodSync(descriptor, mode)
    // a negative number is "now" to Node
    const time = mtime >= 0 ? mtime : new Date(mtime * 1000)
    futimesSync(descriptor, time, time)
  } catch (error) {
    const {errno} = /** @type {NodeJS.ErrnoException} */ (error)
    if (errno === undefined) throw error
    setFailed(records, {number, step, errno})
  } finally {
    closeSync(descriptor)
  }
}

for (let number = 0; ; number++) {
  awaitPublished(records, number)
  if (publishedCount(records) === number) break
  finishFile(number)
  countDone(records)
}
