// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.

/*
 * A bell that threads ring for each other when something has changed that another one may wait for.
 * It is the first words of those that they share.
 */

/** How many words it takes. */
export const bellWords = 2

const rung = 0
const sleepers = 1

/** @typedef {{readonly words: Int32Array}} Belled what threads share */

/**
 * Something has changed that another thread may wait for. Anyone who goes to sleep is counted
 * before the bell is looked at for the last time, so that nobody misses it.
 *
 * @param {Belled} shared
 */
export function ringBell({words}) {
  Atomics.add(words, rung, 1)
  // to wake nobody costs as much as to wake somebody
  if (Atomics.load(words, sleepers) > 0) Atomics.notify(words, rung)
}

/**
 * How often the bell has rung: to be asked before looking at what may have changed.
 *
 * @param {Belled} shared
 */
export function bellCount({words}) {
  return Atomics.load(words, rung)
}

/**
 * Sleeps until the bell has rung more often than `count`. A thread that nobody wakes is ended from
 * outside.
 *
 * @param {Belled} shared
 * @param {number} count
 */
export function awaitBell({words}, count) {
  Atomics.add(words, sleepers, 1)
  Atomics.wait(words, rung, count)
  Atomics.sub(words, sleepers, 1)
}

/**
 * Resolves as soon as the bell has rung more often than `count`.
 *
 * @param {Belled} shared
 * @param {number} count
 * @returns {Promise<void>}
 */
export async function bellAfter({words}, count) {
  /** @type {{waitAsync: (words: Int32Array, at: number, value: number) => {value: unknown}}} */
  const {waitAsync} = /** @type {any} */ (Atomics)
  Atomics.add(words, sleepers, 1)
  await waitAsync(words, rung, count).value
  Atomics.sub(words, sleepers, 1)
}
