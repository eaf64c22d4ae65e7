import type {RowsAhead} from '../look-again.js'

/** Rows that one thread looks at, at once. */
export const rowsAtOnce = 256

/**
 * What threads share that look at the rows of a walk, a word for each `rowsAtOnce` of them: nobody
 * has begun, the thread that needs to know looks itself, another one looks, has found that none of
 * them was touched, or anything else.
 */
export const [free, own, looking, untouched, other] = [0, 1, 2, 3, 4]

/** A thread leaves so many words before the caller alone, so that it need not wait for them. */
export const lead = 16

export function wordCount(rows: number): number {
  return Math.ceil(rows / rowsAtOnce) + 1
}

/** The word after those of rows: how many of them the thread that needs to know has come to. */
export function callerWord({length}: Int32Array): number {
  return length - 1
}

/** What a thread looks at. */
export interface LookWork extends Omit<RowsAhead, 'count'> {
  readonly words: Int32Array
  /**
   * Every how many words it looks, and which of those: rows that are looked at may lie together.
   * The caller takes the others, and what it comes to first.
   */
  readonly every: number
  readonly which: number
}
