/** What `work` of `mapAhead` gets. */
export interface AheadCall {
  /** Aborted when nobody waits for results any more. */
  readonly signal: AbortSignal
}

/**
 * `work` of each element, in their order, with up to `width` of them under way at once: for many
 * small waits, such as looks at files. The lowest that fails ends it, `source` after all of its
 * elements, once those under way have ended, too. After a failure no other begins.
 */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  work: (element: T, call: AheadCall) => Promise<R>,
  width = 16,
): AsyncGenerator<R, void, undefined> {
  const running: Promise<R>[] = []
  const failures: unknown[] = []
  const ending = new AbortController()
  const {signal} = ending
  try {
    for await (const begin of begunBy(source, (element) => work(element, {signal}))) {
      if (failures.length > 0) break
      const result = (async () => begin())()
      // it is awaited later; until then nothing handles its failure
      result.catch((error: unknown) => failures.push(error))
      running.push(result)
      if (running.length >= width) yield await (running.shift() as Promise<R>)
    }
    while (running.length > 0) yield await (running.shift() as Promise<R>)
  } finally {
    ending.abort()
    await Promise.allSettled(running)
  }
}

/** What begins the work of each element; a failure of `source` is that of one more. */
async function* begunBy<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  work: (element: T) => Promise<R>,
): AsyncGenerator<() => Promise<R>> {
  try {
    for await (const element of source) yield () => work(element)
  } catch (error) {
    yield () => {
      throw error
    }
  }
}
