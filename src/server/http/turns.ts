/** Lets so many of the tasks that it is given run at once, in their order. */
export interface Turns {
  run<T>(task: () => Promise<T>): Promise<T>
}

/** For tasks that hold much memory while they run, or keep the disk busy. */
export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    async run(task) {
      if (running < most) running++
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await task()
      } finally {
        // the place goes to the next one without being free in between
        const next = waiting.shift()
        if (next === undefined) running--
        else next()
      }
    },
  }
}
