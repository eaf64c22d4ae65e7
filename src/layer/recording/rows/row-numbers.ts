import {endianness} from 'node:os'
import type {FileState} from '../../tree/file-state.js'

/** Places of the numbers of a row: first those of its state. */
export const number = {
  ctimeNs: 0,
  mtimeNs: 1,
  size: 2,
  ino: 3,
  dev: 4,
  nlink: 5,
  mode: 6,
  uid: 7,
  gid: 8,
  /** As packed, in seconds. */
  mtime: 9,
  /** Of a file, as packed. */
  content: 10,
  names: 11,
  group: 12,
} as const
const numbersPerRow = 13
/** Two words are a number. */
export const wordsPerRow = 2 * numbersPerRow
const stateWords = 2 * 6
const [low, high] = endianness() === 'LE' ? [0, 1] : [1, 0]
const span = 2 ** 32

/** The numbers of one row, in place of an object for each row. */
export class RowNumbers {
  readonly words = new Int32Array(wordsPerRow)
  private readonly longs = new BigInt64Array(this.words.buffer)

  /** Of an integer that is safe. */
  at(place: number): number {
    const [below = 0, above = 0] = [this.words[2 * place + low], this.words[2 * place + high]]
    return above * span + (below >>> 0)
  }

  put(place: number, value: number): void {
    this.words[2 * place + low] = value
    this.words[2 * place + high] = Math.floor(value / span)
  }

  /** One number of the state. */
  long(place: number): bigint {
    return this.longs[place] ?? 0n
  }

  putLong(place: number, value: bigint): void {
    this.longs[place] = value
  }

  state(): FileState {
    const {longs} = this
    return {
      ctimeNs: longs[number.ctimeNs] ?? 0n,
      mtimeNs: longs[number.mtimeNs] ?? 0n,
      size: longs[number.size] ?? 0n,
      ino: longs[number.ino] ?? 0n,
      dev: longs[number.dev] ?? 0n,
      nlink: longs[number.nlink] ?? 0n,
    }
  }

  putState({ctimeNs, mtimeNs, size, ino, dev, nlink}: FileState): void {
    const {longs} = this
    longs[number.ctimeNs] = ctimeNs
    longs[number.mtimeNs] = mtimeNs
    longs[number.size] = size
    longs[number.ino] = ino
    longs[number.dev] = dev
    longs[number.nlink] = nlink
  }

  /** Copies the state from words like those of a row, at `at`. */
  takeState(words: Int32Array, at: number): void {
    for (let word = 0; word < stateWords; word++) this.words[word] = words[at + word] ?? 0
  }

  /** Copies the state to such words. */
  giveState(words: Int32Array, at: number): void {
    for (let word = 0; word < stateWords; word++) words[at + word] = this.words[word] ?? 0
  }

  putAll({words}: RowNumbers): void {
    this.words.set(words)
  }

  hasStateOf({words}: RowNumbers): boolean {
    const own = this.words
    for (let place = 0; place < stateWords; place++) if (own[place] !== words[place]) return false
    return true
  }
}
