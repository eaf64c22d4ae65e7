/** Bytes that moved, and how long was waited for them. */
export interface Moved {
  readonly bytes: number
  readonly milliseconds: number
}

/**
 * Watches whether bytes move fast enough. Only time that is spent waiting for the other side is
 * counted, and compared on the average of each window of it: no wait between two bytes may be too
 * long, and yet there may be no end to them.
 */
export interface MinimumRate {
  /** Counts what has moved. Returns all of the window that ends with it, if that was too slow. */
  count(moved: Moved): Moved | undefined
}

/** `window` is in milliseconds, `minimum` in bytes a second. */
export function createMinimumRate({
  window,
  minimum,
}: {
  readonly window: number
  readonly minimum: number
}): MinimumRate {
  let bytes = 0
  let milliseconds = 0
  return {
    count(moved) {
      bytes += moved.bytes
      milliseconds += moved.milliseconds
      if (milliseconds < window) return undefined
      const whole = {bytes, milliseconds}
      bytes = milliseconds = 0
      return whole.bytes * 1000 < minimum * whole.milliseconds ? whole : undefined
    },
  }
}
