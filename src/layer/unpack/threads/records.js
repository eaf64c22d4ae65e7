// JavaScript, not TypeScript: a worker thread uses this very file, in the source tree as well as in
// the built one.

/*
 * What the main thread tells the one that finishes files: a record for each file, its content
 * behind it, in memory that both share. Records are numbered from 0. The main thread alone decides
 * where a record lies, and lays nothing over one that is not done.
 */

/** Records that are not done, at most: as many files are open. */
export const mostRecords = 128

/** Bytes for records and their content. */
export const roomLength = 4 * 1024 * 1024

/** Bytes of a record, in front of its content. */
export const recordLength = 32

/** Words before those that say where records lie. */
const published = 0
const done = 1
const ended = 2
const failed = 3
const failedErrno = 4
const failedStep = 5
/** Changes when the thread that finishes files has something to look at. */
const bell = 6
const firstPlace = 7

/**
 * @typedef {object} Records
 * @property {SharedArrayBuffer} room
 * @property {Int32Array} words
 */

/** @returns {Records} */
export function createRecords() {
  return {
    room: new SharedArrayBuffer(roomLength),
    words: new Int32Array(new SharedArrayBuffer(4 * (firstPlace + mostRecords))),
  }
}

/**
 * A file to be finished.
 *
 * @typedef {object} FileRecord
 * @property {number} descriptor of the open file, which is closed in the end
 * @property {number} mode
 * @property {number} mtime seconds
 * @property {number} length bytes of content, behind the record
 */

/**
 * @param {DataView} view of the room
 * @param {number} at
 * @param {FileRecord} record
 */
export function writeRecord(view, at, {descriptor, mode, mtime, length}) {
  view.setFloat64(at, mtime, true)
  view.setUint32(at + 8, descriptor, true)
  view.setUint32(at + 12, mode, true)
  view.setUint32(at + 16, length, true)
}

/**
 * @param {DataView} view of the room
 * @param {number} at
 * @returns {FileRecord}
 */
export function readRecord(view, at) {
  return {
    mtime: view.getFloat64(at, true),
    descriptor: view.getUint32(at + 8, true),
    mode: view.getUint32(at + 12, true),
    length: view.getUint32(at + 16, true),
  }
}

/** Records that the thread is woken for together: to wake it takes longer than to write a file. */
const together = 32

/**
 * Hands over the next record. The thread is woken for some of them at once, or by `wakeThread`.
 *
 * @param {Records} records
 * @param {number} at where it lies
 */
export function publish({words}, at) {
  const number = Atomics.load(words, published)
  words[firstPlace + (number % mostRecords)] = at
  Atomics.store(words, published, number + 1)
  if ((number + 1) % together === 0) wakeThread({words})
}

/** @param {Pick<Records, 'words'>} records */
export function wakeThread({words}) {
  Atomics.add(words, bell, 1)
  Atomics.notify(words, bell)
}

/**
 * Records that were handed over.
 *
 * @param {Records} records
 */
export function publishedCount({words}) {
  return Atomics.load(words, published)
}

/**
 * Where a record lies that was handed over and is not done.
 *
 * @param {Records} records
 * @param {number} number
 */
export function placeOf({words}, number) {
  return words[firstPlace + (number % mostRecords)] ?? 0
}

/**
 * Waits until more records than `count` were handed over, or none will be.
 *
 * @param {Records} records
 * @param {number} count
 */
export function awaitPublished({words}, count) {
  for (;;) {
    const rung = Atomics.load(words, bell)
    if (Atomics.load(words, published) !== count || Atomics.load(words, ended) === 1) return
    Atomics.wait(words, bell, rung)
  }
}

/**
 * Nothing more is handed over, and what is not done need not be: its files are closed.
 *
 * @param {Records} records
 */
export function setEnded({words}) {
  Atomics.store(words, ended, 1)
  wakeThread({words})
}

/** @param {Records} records */
export function isEnded({words}) {
  return Atomics.load(words, ended) === 1
}

/**
 * The next record is done, and its file closed.
 *
 * @param {Records} records
 */
export function countDone({words}) {
  const now = Atomics.add(words, done, 1) + 1
  if (now === Atomics.load(words, published)) Atomics.notify(words, done)
}

/** @param {Records} records */
export function doneCount({words}) {
  return Atomics.load(words, done)
}

/**
 * Waits until all records are done, at most a second, unless more than `count` are already.
 *
 * @param {Records} records
 * @param {number} count
 */
export function awaitDone({words}, count) {
  Atomics.wait(words, done, count, 1000)
}

/**
 * Resolves when all records are done, more than `count` are already, or `wake` was called.
 *
 * @param {Records} records
 * @param {number} count
 * @returns {Promise<void>}
 */
export async function doneAfter({words}, count) {
  /** @type {{waitAsync: (words: Int32Array, at: number, value: number) => {value: unknown}}} */
  const {waitAsync} = /** @type {any} */ (Atomics)
  await waitAsync(words, done, count).value
}

/**
 * Wakes those who wait for records to be done: there is something else to see.
 *
 * @param {Records} records
 */
export function wake({words}) {
  Atomics.notify(words, done)
}

/** What is done with a file, as messages call it. */
export const steps = /** @type {const} */ (['write', 'finish'])

/**
 * The first failure of all: `errno` is the system's number, negative.
 *
 * @param {Records} records
 * @param {{number: number, step: 'write' | 'finish', errno: number}} failure
 */
export function setFailed({words}, {number, step, errno}) {
  if (Atomics.load(words, failed) !== 0) return
  words[failedErrno] = errno
  words[failedStep] = steps.indexOf(step)
  Atomics.store(words, failed, number + 1)
}

/**
 * @param {Records} records
 * @returns {{number: number, step: 'write' | 'finish', errno: number} | undefined}
 */
export function failureOf({words}) {
  const number = Atomics.load(words, failed) - 1
  if (number < 0) return undefined
  const step = steps[words[failedStep] ?? 0] ?? 'write'
  return {number, step, errno: words[failedErrno] ?? 0}
}
