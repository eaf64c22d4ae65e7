import type {WalkedEntry} from '../../tree/walked-entry.js'
import type {EntryItem} from '../write-tar.js'
import {type Batch, writeBatch} from './batch.js'
import {countFed, eatenCount, type Ring} from './ring.js'

/** Items of one message. */
const batchLength = 64

/** Batches that wait to be read, at most. */
const ahead = 12

export interface Feed {
  /** Lists entries, as far as the reader has room for more. Throws what the iteration throws. */
  readonly fill: () => void
  /** What the reader knows by its number: one that it is not done with. */
  readonly entryAt: (number: number) => WalkedEntry
  /** Ends the iteration. */
  readonly close: () => void
}

/** Gives items to the thread that reads them, in batches; `post` sends it one. */
export function createFeed(
  items: Iterable<EntryItem>,
  ring: Ring,
  post: (batch: Batch) => void,
): Feed {
  const iterator = items[Symbol.iterator]()
  const waiting: (readonly EntryItem[])[] = []
  let fed = 0
  let eaten = 0
  let isLast = false

  return {
    fill() {
      for (const now = eatenCount(ring); eaten < now; eaten++) waiting.shift()
      while (!isLast && fed - eaten < ahead) {
        const batch = take()
        waiting.push(batch)
        post(writeBatch(batch, isLast))
        countFed(ring)
        fed++
      }
    },
    entryAt(number) {
      // all batches but the last one are full
      const item = waiting[Math.floor(number / batchLength) - eaten]?.[number % batchLength]
      if (!item)
        throw new Error(`the thread that reads tells of an entry ${number}, which it has not`)
      return item.walked
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
