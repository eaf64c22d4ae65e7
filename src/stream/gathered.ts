/**
 * The same bytes, chunks of less than `size` bytes joined until they are as many. Small chunks are
 * copied, so their memory may be used again; others are passed on as they are.
 */
export async function* gathered(
  stream: AsyncIterable<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let small: Uint8Array[] = []
  let length = 0
  const take = (): Uint8Array => {
    const all = Buffer.concat(small)
    small = []
    length = 0
    return all
  }
  for await (const chunk of stream) {
    if (chunk.length >= size) {
      if (length > 0) yield take()
      yield chunk
      continue
    }
    small.push(Uint8Array.from(chunk))
    length += chunk.length
    if (length >= size) yield take()
  }
  if (length > 0) yield take()
}
