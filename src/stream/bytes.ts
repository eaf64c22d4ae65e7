import {createDigester, type Digest, type DigestAlgorithm} from '../oci/digest.js'

/**
 * The same stream; `onChunk` sees every chunk before the consumer gets it. A consumer that stops
 * early stops the source too.
 */
export async function* tap(
  stream: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of stream) {
    onChunk(chunk)
    yield chunk
  }
}

/** What went through a measured stream: the bytes' digest, and how many they were. */
export interface Measurement {
  readonly digest: Digest
  readonly size: number
}

/** The same stream, hashed and counted on the way. `result()` is for after its end, once. */
export function measured(
  stream: AsyncIterable<Uint8Array>,
  algorithm: DigestAlgorithm = 'sha256',
): {stream: AsyncGenerator<Uint8Array, void, undefined>; result: () => Measurement} {
  const digester = createDigester(algorithm)
  let size = 0
  return {
    stream: tap(stream, (chunk) => {
      digester.update(chunk)
      size += chunk.length
    }),
    result: () => ({digest: digester.digest(), size}),
  }
}
/** Reads a stream to its end for what that tells: throws what it throws. */
export async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]()
  while ((await iterator.next()).done !== true);
}
/** A stream of bytes that are in memory already, in these chunks. */
// eslint-disable-next-line @typescript-eslint/require-await -- there is nothing to wait for
export async function* streamOf(
  ...chunks: readonly Uint8Array[]
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}
/** The same stream with these bytes before it. */
export async function* prepended(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (first.length > 0) yield first
  yield* rest
}
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
