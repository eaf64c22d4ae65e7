import type {ByteStream} from '../content-store.js'

/** A stream that has been read up to its first byte. */
export interface BegunStream {
  /** All of it. */
  readonly stream: ByteStream
  /** For a stream that nobody will read. */
  end(): Promise<void>
}

/** Waits for the first byte of a stream; `undefined` when it ends without any. */
export async function begun(stream: ByteStream): Promise<BegunStream | undefined> {
  const chunks = stream[Symbol.asyncIterator]()
  const end = async (): Promise<void> => {
    await chunks.return?.()
  }
  for (;;) {
    const first = await chunks.next()
    if (first.done === true) return undefined
    if (first.value.length > 0) return {stream: rest(first.value, chunks, end), end}
  }
}

async function* rest(
  first: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  end: () => Promise<void>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let isDone = false
  try {
    yield first
    for (;;) {
      const next = await chunks.next()
      isDone = next.done === true
      if (next.done === true) return
      yield next.value
    }
  } finally {
    if (!isDone) await end()
  }
}
