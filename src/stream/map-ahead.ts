/**
 * `work` of each element, in their order, with up to `width` of them under way at once: for many
 * small waits, such as looks at files. The first that fails ends it, once those under way have
 * ended, too.
 */
export async function* mapAhead<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  work: (element: T) => Promise<R>,
  width = 16,
): AsyncGenerator<R, void, undefined> {
  const running: Promise<R>[] = []
  try {
    for await (const element of source) {
      const result = work(element)
      // it is awaited later; until then nothing handles its failure
      result.catch(() => undefined)
      running.push(result)
      if (running.length >= width) yield await (running.shift() as Promise<R>)
    }
    while (running.length > 0) yield await (running.shift() as Promise<R>)
  } finally {
    await Promise.allSettled(running)
  }
}
