import {monotonicTime} from '../../disk/clock.js'
import {Refusal} from './refusal.js'

/** Memory that the bodies of requests and answers hold, bounded for all connections together. */
export interface BodyMemory {
  /**
   * What one request holds. `cut` ends its connection; it is called when others need the memory.
   */
  open(cut: () => void): MemoryShare
  /** Bytes that are held now. */
  used(): number
}

/** What one request holds. */
export interface MemoryShare {
  /**
   * Holds `bytes` from now on, more or less than before. `false`, and nothing changes, when there
   * is no room.
   */
  hold(bytes: number): boolean
  /**
   * As `hold`, but waits for room, first come, first served. Throws `Refusal` (503) after a while.
   */
  holdLater(bytes: number, signal: AbortSignal): Promise<void>
  /**
   * Holds what a stream of `bytes` keeps in memory while it is sent; returns how large its chunks
   * should be. Finds room in any case.
   */
  holdStream(bytes: number): number
  /** The client must act now: send something or take something. */
  waits(): void
  /** The client has acted. */
  moved(): void
  release(): void
}

export interface BodyMemoryOptions {
  /** Bytes for all. */
  readonly total: number
  /** A client that has not moved for so long loses its connection when others need its memory. */
  readonly stallTime?: number
  /** How long a request waits for memory. */
  readonly waitTime?: number
  /** Called for each connection that was cut. */
  readonly onCut?: () => void
}

/** One is read, one is sent, one is what was sent before. */
const streamPieces = 3
const largestPiece = 512 * 1024
const smallestPiece = 16 * 1024
/** How often those who wait look for clients that have stalled. */
const lookInterval = 100

interface Holder {
  bytes: number
  /** When the client was last asked to act; `undefined` while we are busy with its request. */
  waitingSince: number | undefined
  readonly cut: () => void
}

/** Counts what is held; it allocates nothing itself. */
export function createBodyMemory({
  total,
  stallTime = 1000,
  waitTime = 10_000,
  onCut,
}: BodyMemoryOptions): BodyMemory {
  const holders = new Set<Holder>()
  const queue: (() => boolean)[] = []
  let used = 0
  let looking: NodeJS.Timeout | undefined

  const release = (holder: Holder): void => {
    used -= holder.bytes
    holder.bytes = 0
    holders.delete(holder)
  }

  const set = (holder: Holder, bytes: number): void => {
    used += bytes - holder.bytes
    holder.bytes = bytes
    if (bytes > 0) holders.add(holder)
    else holders.delete(holder)
  }

  /** Ends the connections that have stalled for longest, until there is room for `bytes`. */
  const makeRoom = (bytes: number): void => {
    const latest = monotonicTime() - stallTime
    const stalled = [...holders].filter(({waitingSince = Infinity}) => waitingSince <= latest)
    stalled.sort((one, other) => (one.waitingSince ?? 0) - (other.waitingSince ?? 0))
    for (const holder of stalled) {
      if (used + bytes <= total) return
      release(holder)
      onCut?.()
      holder.cut()
    }
  }

  const serveQueue = (): void => {
    while (queue[0]?.()) queue.shift()
    if (queue.length > 0) return
    clearInterval(looking)
    looking = undefined
  }

  return {
    used: () => used,
    open(cut) {
      const holder: Holder = {bytes: 0, waitingSince: undefined, cut}
      const hold = (bytes: number): boolean => {
        const more = bytes - holder.bytes
        // one that is larger than all there is gets it when nobody else has any
        const fits = (): boolean => more <= 0 || used + more <= total || used === holder.bytes
        if (!fits()) makeRoom(more)
        if (!fits()) return false
        set(holder, bytes)
        return true
      }
      return {
        hold,
        holdLater: (bytes, signal) =>
          new Promise((resolve, reject) => {
            const settle = (act: () => void): true => {
              clearTimeout(timer)
              signal.removeEventListener('abort', onAbort)
              act()
              return true
            }
            const turn = (): boolean => hold(bytes) && settle(resolve)
            const leave = (error: Error): void => {
              const at = queue.indexOf(turn)
              if (at >= 0) queue.splice(at, 1)
              settle(() => reject(error))
            }
            const onAbort = (): void => leave(signal.reason as Error)
            const timer = setTimeout(() => leave(noRoom()), waitTime)
            signal.addEventListener('abort', onAbort, {once: true})
            if (signal.aborted) {
              onAbort()
              return
            }
            queue.push(turn)
            looking ??= setInterval(serveQueue, lookInterval)
          }),
        holdStream(bytes) {
          // the more is held, the less a further stream gets: there is always room for a small one
          const fair = Math.floor((total / 2 - used) / 16 / streamPieces)
          const size = Math.min(largestPiece, Math.max(smallestPiece, fair))
          set(holder, Math.min(bytes, size * streamPieces))
          return size
        },
        waits() {
          holder.waitingSince = monotonicTime()
        },
        moved() {
          holder.waitingSince = undefined
        },
        release() {
          if (holder.bytes === 0) return
          release(holder)
          if (queue.length > 0) serveQueue()
        },
      }
    },
  }
}

/** What a request is told that found no room in time. */
export function noRoom(): Refusal {
  return new Refusal(503, 'TOOMANYREQUESTS', 'too many large answers are under way; try again', {
    headers: {'retry-after': 1},
    reason: 'memory',
  })
}
