import {waitFor} from './wait-for.js'

/** Lets only so many in at once; the others wait, and come in the order in which they asked. */
export interface Limiter {
  /** Waits for a place; call the result, once, to leave it. Rejects with the signal's reason. */
  enter(signal?: AbortSignal): Promise<() => void>
  /** Runs a task that has a place for as long as it takes. */
  run<T>(task: () => Promise<T>): Promise<T>
}

export function createLimiter(most: number): Limiter {
  const waiting: (() => void)[] = []
  let used = 0

  const leave = (): void => {
    const next = waiting.shift()
    // the place goes from hand to hand, and is not free in between
    if (next) next()
    else used--
  }
  const enter = async (signal?: AbortSignal): Promise<() => void> => {
    if (used < most) {
      used++
      return leave
    }
    let take: (() => void) | undefined
    const turn = new Promise<void>((resolve) => {
      take = resolve
      waiting.push(resolve)
    })
    try {
      await waitFor(turn, signal)
    } catch (error) {
      const at = waiting.findIndex((each) => each === take)
      if (at === -1) leave()
      else waiting.splice(at, 1)
      throw error
    }
    return leave
  }
  return {
    enter,
    async run(task) {
      const leave = await enter()
      try {
        return await task()
      } finally {
        leave()
      }
    },
  }
}

/** A limiter for each key, which is forgotten when nobody uses it. */
export interface KeyedLimiter {
  enter(key: string, signal?: AbortSignal): Promise<() => void>
  run<T>(key: string, task: () => Promise<T>): Promise<T>
}

export function createKeyedLimiter(most: number): KeyedLimiter {
  const limiters = new Map<string, {readonly limiter: Limiter; users: number}>()

  const enter = async (key: string, signal?: AbortSignal): Promise<() => void> => {
    const state = limiters.get(key) ?? {limiter: createLimiter(most), users: 0}
    limiters.set(key, state)
    state.users++
    const forget = (): void => {
      if (--state.users === 0) limiters.delete(key)
    }
    try {
      const leave = await state.limiter.enter(signal)
      return () => {
        leave()
        forget()
      }
    } catch (error) {
      forget()
      throw error
    }
  }
  return {
    enter,
    async run(key, task) {
      const leave = await enter(key)
      try {
        return await task()
      } finally {
        leave()
      }
    },
  }
}
