// JavaScript, not TypeScript: worker threads use this file, in the source tree as well as in
// the built one.
import {bellWords, ringBell} from '../../bell.js'
import {
  inputSlack,
  largestBlock,
  longestBlock,
  outputSlack,
  scratchLength,
} from './block-inflate.js'

/*
 * Blocks go round a ring of places in shared memory. The main thread fills a place, a thread that
 * has claimed the block inflates it there, one thread hashes all blocks in order, and the main
 * thread takes them, in order, too. A place is free for another block once its block was hashed and
 * taken: only the main thread knows both, and it alone fills places. Blocks are numbered from 0.
 */

/** Words before those of the places. */
const filled = bellWords
const hashed = bellWords + 1
const claimed = bellWords + 2
const ended = bellWords + 3
const firstPlace = bellWords + 4

/** Words of a place: bytes stored and inflated, the number of the block that is done, the CRC. */
const perPlace = 4

/** In place of an inflated length: not a block of our own deflate. */
export const foreign = -1

/**
 * What threads share.
 *
 * @typedef {object} Ring
 * @property {WebAssembly.Memory} memory
 * @property {Int32Array} words
 * @property {number} places
 * @property {number} threads
 */

const storedLength = longestBlock + inputSlack
/** A multiple of 64, so that no two places share a line of a processor's cache. */
const placeLength = Math.ceil((storedLength + largestBlock + outputSlack) / 64) * 64

/**
 * Bytes of memory that a ring takes.
 *
 * @param {number} places
 * @param {number} threads
 */
export function ringLength(places, threads) {
  return threads * scratchLength + places * placeLength
}

/** @param {number} places */
export function wordCount(places) {
  return firstPlace + places * perPlace
}

/**
 * Where the working memory of a thread begins.
 *
 * @param {number} thread
 */
export function scratchAt(thread) {
  return thread * scratchLength
}

/**
 * Where the stored bytes of a block are.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function storedAt({places, threads}, block) {
  return threads * scratchLength + (block % places) * placeLength
}

/**
 * Where the inflated bytes of a block are.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function inflatedAt(ring, block) {
  return storedAt(ring, block) + storedLength
}

/**
 * @param {Ring} ring
 * @param {number} block
 */
function wordOf({places}, block) {
  return firstPlace + (block % places) * perPlace
}

/**
 * Hands a block to the threads, whose bytes are in its place: `stored` bytes to be inflated, or
 * none and `inflated` bytes that are inflated already. For the main thread, which rings the bell
 * once it has filled as many places as it can: to wake a thread takes as long as to inflate a
 * block.
 *
 * @param {Ring} ring
 * @param {number} block the one after those that were handed over
 * @param {{stored: number, inflated: number}} lengths
 */
export function fillPlace(ring, block, {stored, inflated}) {
  const word = wordOf(ring, block)
  ring.words[word] = stored
  ring.words[word + 1] = inflated
  Atomics.store(ring.words, filled, block + 1)
}

/**
 * How many blocks were handed to the threads.
 *
 * @param {Ring} ring
 */
export function filledCount({words}) {
  return Atomics.load(words, filled)
}

/**
 * Bytes of a block to be inflated; 0 for one that is inflated already.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function storedLengthOf(ring, block) {
  return ring.words[wordOf(ring, block)] ?? 0
}

/**
 * Bytes of a block that is done, or `foreign`.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function inflatedLengthOf(ring, block) {
  return ring.words[wordOf(ring, block) + 1] ?? foreign
}

/**
 * A block is inflated, or cannot be. For the thread that has claimed it.
 *
 * @param {Ring} ring
 * @param {number} block
 * @param {number} length bytes, or `foreign`
 */
export function setDone(ring, block, length) {
  const word = wordOf(ring, block)
  ring.words[word + 1] = length
  Atomics.store(ring.words, word + 2, block + 1)
  ringBell(ring)
}

/**
 * @param {Ring} ring
 * @param {number} block
 */
export function isDone(ring, block) {
  return Atomics.load(ring.words, wordOf(ring, block) + 2) === block + 1
}

/**
 * A block is hashed, the next one of all; `crc` is of all bytes up to its end.
 *
 * @param {Ring} ring
 * @param {number} block
 * @param {number} crc
 */
export function setHashed(ring, block, crc) {
  ring.words[wordOf(ring, block) + 3] = crc
  Atomics.store(ring.words, hashed, block + 1)
  ringBell(ring)
}

/**
 * How many blocks are hashed.
 *
 * @param {Ring} ring
 */
export function hashedCount({words}) {
  return Atomics.load(words, hashed)
}

/**
 * The CRC of all bytes up to the end of a block that is hashed.
 *
 * @param {Ring} ring
 * @param {number} block
 */
export function crcAfter(ring, block) {
  return (ring.words[wordOf(ring, block) + 3] ?? 0) >>> 0
}

/**
 * The next block that no thread inflates yet.
 *
 * @param {Ring} ring
 */
export function claimBlock({words}) {
  return Atomics.add(words, claimed, 1)
}

/**
 * No more blocks of this layer come. Those of another one may, once its digest was told.
 *
 * @param {Ring} ring
 */
export function endLayer(ring) {
  Atomics.add(ring.words, ended, 1)
  ringBell(ring)
}

/**
 * How many layers have all their blocks.
 *
 * @param {Ring} ring
 */
export function endedCount({words}) {
  return Atomics.load(words, ended)
}
