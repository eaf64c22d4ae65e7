import {createDigester, type Digest, type DigestAlgorithm} from '../oci/digest.js'

/** The same stream; `onChunk` sees every chunk before the consumer gets it. A consumer that stops early stops the source too. */
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
