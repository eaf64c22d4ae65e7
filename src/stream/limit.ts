import {LimitError} from '../errors.js'

/**
 * The same stream, which throws `LimitError` (`ERR_INJECT_TOO_LARGE`) at the first byte beyond
 * `limit` bytes. `what` names it in messages.
 */
export async function* limited(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  what: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > limit) throw tooLarge(what, limit)
    yield chunk
  }
}

/**
 * All of a stream in one array that is the caller's own; `LimitError` when it is more than `limit`
 * bytes.
 */
export async function readAll(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
  what: string,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of limited(stream, limit, what)) chunks.push(chunk)
  const all = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return all
}

/**
 * All of a stream of at most `size` bytes, each chunk copied as it comes: the stream may use its
 * memory again. `LimitError` when there are more. `what` names it in messages.
 */
export async function readSized(
  stream: AsyncIterable<Uint8Array>,
  size: number,
  what: string,
): Promise<Uint8Array> {
  const all = new Uint8Array(size)
  let offset = 0
  for await (const chunk of limited(stream, size, what)) {
    all.set(chunk, offset)
    offset += chunk.length
  }
  return offset === size ? all : all.slice(0, offset)
}

/** What to throw when something is, or says it is, larger than we read. */
export function tooLarge(what: string, limit: number, found?: number): LimitError {
  return new LimitError('ERR_INJECT_TOO_LARGE', `${what} is larger than ${limit} bytes`, {
    expected: limit,
    found: found ?? `more than ${limit}`,
  })
}
