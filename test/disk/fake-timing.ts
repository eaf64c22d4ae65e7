import {setImmediate as nextTurn, setTimeout as realSleep} from 'node:timers/promises'
import type {LockTiming} from '../../src/disk/lock-timing.js'

export interface FakeTiming extends LockTiming {
  /** Lets time pass, in steps in which everybody who slept meanwhile gets to do what they want. */
  pass(ms: number): Promise<void>
  /** As when the process is stopped: its clock goes on and nobody wakes up. */
  stop(ms: number): void
  /** Sets the time of day only, as somebody may; and as a machine that slept finds it. */
  jump(ms: number): void
}

/** The lock's real lease and beat, on a clock of one process that the test moves. */
export function fakeTiming(): FakeTiming {
  let [time, wall] = [0, Date.parse('2026-01-02T03:04:05Z')]
  const sleepers = new Set<{readonly at: number; readonly wake: () => void}>()
  const wake = (): void => {
    for (const sleeper of [...sleepers].sort((a, b) => a.at - b.at)) {
      if (sleeper.at > time) continue
      sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
  return {
    leaseMs: 30_000,
    beatMs: 5000,
    now: () => time,
    wall: () => wall,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => {
          sleepers.delete(sleeper)
          reject(signal?.reason as Error)
        }
        const sleeper = {
          at: time + ms,
          wake: () => {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', onAbort)
      }),
    async pass(ms) {
      for (const end = time + ms; time < end;) {
        const step = Math.min(100, end - time)
        time += step
        wall += step
        const sleeping = sleepers.size
        wake()
        // what they do takes some calls to the file system, and most of them sleep again after it
        await nextTurn()
        for (let turns = 0; turns < 500; turns++) {
          await realSleep(1)
          if (sleepers.size >= sleeping) break
        }
      }
    },
    stop(ms) {
      time += ms
      wall += ms
    },
    jump(ms) {
      wall += ms
    },
  }
}
