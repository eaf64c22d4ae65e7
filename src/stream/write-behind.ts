/** Bytes that wait to be written while others are. */
const mostWaiting = 256 * 1024

/**
 * Writes a stream. While some chunks are written, the next ones are made, for hashing and writing
 * are the two halves of the work; what has come meanwhile is written at once, since each write
 * costs a change of threads. `write` is called once at a time; the chunks must stay what they are
 * until it has ended. Throws what the stream and `write` throw, when no write is under way.
 */
export async function writeBehind(
  stream: AsyncIterable<Uint8Array>,
  write: (chunks: readonly Uint8Array[]) => Promise<void>,
): Promise<void> {
  let waiting: Uint8Array[] = []
  let bytes = 0
  let writing: Promise<void> | undefined
  const start = (): void => {
    const chunks = waiting
    waiting = []
    bytes = 0
    writing = write(chunks).then(() => {
      writing = undefined
      if (waiting.length > 0) start()
    })
    // it is waited for later; until then its failure waits, too
    writing.catch(() => undefined)
  }
  try {
    for await (const chunk of stream) {
      waiting.push(chunk)
      bytes += chunk.length
      if (writing === undefined) start()
      else if (bytes >= mostWaiting) await writing
    }
  } finally {
    while (writing !== undefined) await writing
  }
}
