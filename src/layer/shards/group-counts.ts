import {FloatList, WordList} from '../number-lists.js'

/** Names of things that have several, counted by group; twenty bytes a thing. */
export interface GroupCounts {
  /** Counts another name of the group; returns how many there were. */
  next(group: number): number
  /** The group's last item so far, and its bytes. */
  put(group: number, item: number, bytes: number): void
  /** Whether all names of the group were counted. */
  finish(group: number): void
  /** The groups that have names elsewhere. */
  unfinished(): Iterable<{
    readonly group: number
    readonly count: number
    readonly last: number
    readonly bytes: number
  }>
}

/** Empty counts. */
export function createGroupCounts(): GroupCounts {
  const counts = new WordList()
  const items = new WordList()
  const sizes = new FloatList()
  return {
    next(group) {
      const count = counts.at(group) + 1
      counts.put(group, count)
      return count
    },
    put(group, item, bytes) {
      items.put(group, item)
      sizes.put(group, bytes)
    },
    finish(group) {
      counts.put(group, 0)
    },
    *unfinished() {
      for (let group = 0; group < counts.length; group++) {
        const count = counts.at(group)
        if (count === 0) continue
        yield {group, count, last: items.at(group), bytes: sizes.at(group)}
      }
    },
  }
}
