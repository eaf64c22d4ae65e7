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
  let counts = new Uint32Array(1024)
  let items = new Uint32Array(1024)
  let sizes = new Float64Array(1024)
  let length = 0
  return {
    next(group) {
      if (group >= counts.length) grow(group)
      length = Math.max(length, group + 1)
      const count = (counts[group] ?? 0) + 1
      counts[group] = count
      return count
    },
    put(group, item, bytes) {
      items[group] = item
      sizes[group] = bytes
    },
    finish(group) {
      counts[group] = 0
    },
    *unfinished() {
      for (let group = 0; group < length; group++) {
        const count = counts[group] ?? 0
        if (count === 0) continue
        yield {group, count, last: items[group] ?? 0, bytes: sizes[group] ?? 0}
      }
    },
  }

  function grow(group: number): void {
    let size = counts.length
    while (size <= group) size *= 2
    const [smaller, fewer, less] = [counts, items, sizes]
    counts = new Uint32Array(size)
    items = new Uint32Array(size)
    sizes = new Float64Array(size)
    counts.set(smaller)
    items.set(fewer)
    sizes.set(less)
  }
}
