import type {ByteString} from '../../byte-string.js'
import type {EntryItem} from '../blocks/write-tar.js'
import {type Batch, writeBatch} from './batch.js'
import {countFed, eatenCount, type Ring} from './ring.js'

/** Items of one message. */
const batchLength = 64

/** Batches that wait to be read, at most. */
const ahead = 12

export interface Feed {
  /** Lists entries, as far as the reader has room for more. Throws what the iteration throws. */
  readonly fill: () => void
  /** The path of what the reader knows by its number: one that it is not done with. */
  readonly pathAt: (number: number) => ByteString
  /** Ends the iteration. */
  readonly close: () => void
}

/** For a tree, which the reading thread walks itself. */
export const noFeed: Feed = {
  fill: () => undefined,
  pathAt: (number) => {
    throw new Error(`the thread that walks names the entry ${number}`)
  },
  close: () => undefined,
}

/** Gives items to the thread that reads them, in batches; `post` sends it one. */
export function createFeed(
  items: Iterable<EntryItem>,
  ring: Ring,
  post: (batch: Batch) => void,
): Feed {
  const iterator = items[Symbol.iterator]()
  /** Paths of batches that are not read yet: no more than messages need. */
  const waiting: (readonly ByteString[])[] = []
  let fed = 0
  let eaten = 0
  let isLast = false

  return {
    fill() {
      for (const now = eatenCount(ring); eaten < now; eaten++) waiting.shift()
      while (!isLast && fed - eaten < ahead) {
        const batch = take()
        waiting.push(batch.map(({walked}) => walked.entry.path))
        post(writeBatch(batch, isLast))
        countFed(ring)
        fed++
      }
    },
    pathAt(number) {
      // all batches but the last one are full
      const path = waiting[Math.floor(number / batchLength) - eaten]?.[number % batchLength]
      if (path === undefined) throw new Error(`the thread that reads names an unknown entry`)
      return path
    },
    close: () => void iterator.return?.(),
  }

  function take(): readonly EntryItem[] {
    const batch: EntryItem[] = []
    while (batch.length < batchLength) {
      const next = iterator.next()
      if (next.done === true) {
        isLast = true
        break
      }
      batch.push(next.value)
    }
    return batch
  }
}
