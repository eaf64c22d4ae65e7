/** The same stream, which throws the signal's reason instead of going on after an abort. */
export async function* abortable(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  signal?.throwIfAborted()
  for await (const chunk of stream) {
    signal?.throwIfAborted()
    yield chunk
  }
  signal?.throwIfAborted()
}
