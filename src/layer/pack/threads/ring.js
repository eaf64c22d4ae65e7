// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {bellWords, ringBell} from '../../bell.js'

/*
 * Blocks go round a ring of places in shared memory: one thread fills them, others compress them,
 * the main thread takes what came of it. Each place has a word, block number times 4 plus what is
 * the case: it says which thread may touch the place, and that thread alone changes the word.
 */

/** Nobody has written to the place yet, and this block goes there. */
export const free = 0
/** To be compressed. */
export const full = 1
/** Compressed. */
export const done = 2
const states = 4

/** Words before those of the places. */
const claimed = bellWords
const fed = bellWords + 1
const eaten = bellWords + 2
const awaited = bellWords + 3
const firstPlace = bellWords + 4

/** Words of a place: its state, bytes of the block or `end`, bytes of the result. */
const perPlace = 3
/** In place of a length. */
export const end = -1

/** Reading and writing 8 bytes at once may touch so many after a block or an output. */
const slack = 8

/**
 * How large the parts of a ring are, in bytes but for the counts.
 *
 * @typedef {object} RingShape
 * @property {number} places
 * @property {number} compressors threads that compress
 * @property {number} scratch working memory of each of those
 * @property {number} input the longest block
 * @property {number} output what the longest block is compressed to, at most
 */

/**
 * What threads share. Items are given to the reader in messages, a batch in each.
 *
 * @typedef {object} Ring
 * @property {WebAssembly.Memory} memory
 * @property {Int32Array} words
 * @property {RingShape} shape
 */

/**
 * Bytes of memory that a ring takes.
 *
 * @param {RingShape} shape
 */
export function ringLength(shape) {
  return shape.compressors * shape.scratch + shape.places * placeLength(shape)
}

/**
 * A multiple of 64, so that no two places share a line of a processor's cache.
 *
 * @param {RingShape} shape
 */
function placeLength({input, output}) {
  return Math.ceil((input + output + 2 * slack) / 64) * 64
}

/** @param {number} places */
export function wordCount(places) {
  return firstPlace + places * perPlace
}

/**
 * Where the working memory of one of the threads that compress begins.
 *
 * @param {Ring} ring
 * @param {number} compressor
 */
export function scratchAt({shape}, compressor) {
  return compressor * shape.scratch
}

/**
 * @param {Ring} ring
 * @param {number} block
 */
export function inputAt({shape}, block) {
  return shape.compressors * shape.scratch + (block % shape.places) * placeLength(shape)
}

/**
 * @param {Ring} ring
 * @param {number} block
 */
export function outputAt(ring, block) {
  return inputAt(ring, block) + ring.shape.input + slack
}

/**
 * @param {Ring} ring
 * @param {number} block
 */
function wordOf({shape}, block) {
  return firstPlace + (block % shape.places) * perPlace
}

/**
 * Makes the ring ready for the blocks of another tar: nobody works on it.
 *
 * @param {Ring} ring
 */
export function resetRing(ring) {
  ring.words.fill(0)
  for (let block = 0; block < ring.shape.places; block++)
    ring.words[wordOf(ring, block)] = block * states + free
}

/**
 * Waits until the place of a block is in this state; the one who waits for it is the next to write
 * there. A thread that never stops waiting is ended from outside.
 *
 * @param {Ring} ring
 * @param {number} block
 * @param {number} state
 */
export function awaitState(ring, block, state) {
  const word = wordOf(ring, block)
  for (;;) {
    const found = Atomics.load(ring.words, word)
    if (found === block * states + state) return
    Atomics.wait(ring.words, word, found)
  }
}

/**
 * @param {Ring} ring
 * @param {number} block
 * @param {number} state
 */
export function isInState(ring, block, state) {
  return Atomics.load(ring.words, wordOf(ring, block)) === block * states + state
}

/**
 * Hands the place of a block to the thread that waits for this state.
 *
 * @param {Ring} ring
 * @param {number} block
 * @param {number} state
 */
export function setState(ring, block, state) {
  const word = wordOf(ring, block)
  Atomics.store(ring.words, word, block * states + state)
  Atomics.notify(ring.words, word)
}

/**
 * Bytes of a block, or `end`.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function lengthOf(ring, block) {
  return ring.words[wordOf(ring, block) + 1] ?? end
}

/**
 * @param {Ring} ring
 * @param {number} block
 * @param {number} length
 */
export function setLength(ring, block, length) {
  ring.words[wordOf(ring, block) + 1] = length
}

/**
 * Bytes of what a block was compressed to.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function outputLengthOf(ring, block) {
  return ring.words[wordOf(ring, block) + 2] ?? 0
}

/**
 * @param {Ring} ring
 * @param {number} block
 * @param {number} length
 */
export function setOutputLength(ring, block, length) {
  ring.words[wordOf(ring, block) + 2] = length
}

/**
 * The next block that nobody else compresses.
 *
 * @param {Ring} ring
 */
export function claimBlock({words}) {
  return Atomics.add(words, claimed, 1)
}

/**
 * The main thread goes on with this block: the bell rings for no later one.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function setAwaited({words}, block) {
  Atomics.store(words, awaited, block)
}

/**
 * The main thread compresses this block itself: the bell rings when it is full.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function setAwaitedFull({words}, block) {
  Atomics.store(words, awaited, -1 - block)
}

/**
 * A block is full.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function tellFull(ring, block) {
  if (Atomics.load(ring.words, awaited) === -1 - block) ringBell(ring)
}

/**
 * A block is compressed: to wake the main thread takes a tenth of a millisecond, so only for the
 * one that it goes on with.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function tellDone(ring, block) {
  if (Atomics.load(ring.words, awaited) === block) ringBell(ring)
}

/**
 * A batch of items is on its way to the reader.
 *
 * @param {Ring} ring
 */
export function countFed({words}) {
  Atomics.add(words, fed, 1)
  Atomics.notify(words, fed)
}

/**
 * Waits until more batches than `count` are on their way.
 *
 * @param {Ring} ring
 * @param {number} count
 */
export function awaitFed({words}, count) {
  while (Atomics.load(words, fed) <= count) Atomics.wait(words, fed, count)
}

/**
 * The reader is done with a batch.
 *
 * @param {Ring} ring
 */
export function countEaten(ring) {
  Atomics.add(ring.words, eaten, 1)
  ringBell(ring)
}

/**
 * Batches that the reader is done with.
 *
 * @param {Ring} ring
 */
export function eatenCount({words}) {
  return Atomics.load(words, eaten)
}
