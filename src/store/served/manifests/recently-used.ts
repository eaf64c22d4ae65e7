/** A cache of recently used values. */
export interface RecentlyUsed<Key, Value> {
  get(key: Key): Value | undefined
  /** Replaces the value of the key; does not keep a value that is too large. */
  set(key: Key, value: Value, size: number): void
}

/**
 * Holds values of at most `limit` bytes together, each of at most `largest`; the least recently
 * used go first.
 */
export function createRecentlyUsed<Key, Value>(
  limit: number,
  largest = limit,
): RecentlyUsed<Key, Value> {
  // a map keeps its keys in the order in which they were set
  const kept = new Map<Key, {readonly value: Value; readonly size: number}>()
  let total = 0
  const drop = (key: Key): void => {
    total -= kept.get(key)?.size ?? 0
    kept.delete(key)
  }
  return {
    get(key) {
      const found = kept.get(key)
      if (found === undefined) return undefined
      kept.delete(key)
      kept.set(key, found)
      return found.value
    },
    set(key, value, size) {
      drop(key)
      if (size > largest) return
      kept.set(key, {value, size})
      total += size
      for (const oldest of kept.keys()) {
        if (total <= limit) return
        drop(oldest)
      }
    },
  }
}
