import {IntegrityError} from '../errors.js'

/**
 * Runs `work` on a stream whose end tells whether its bytes are right. When `work` finds something
 * wrong with them before that, the rest is read: bytes that are not the right ones are the better
 * explanation, and the error that the stream throws comes out.
 */
export async function blamingSource<T>(
  stream: AsyncIterable<Uint8Array>,
  work: (stream: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const chunks = stream[Symbol.asyncIterator]()
  try {
    // leaving it early does not end it
    return await work({[Symbol.asyncIterator]: () => ({next: () => chunks.next()})})
  } catch (error) {
    if (error instanceof IntegrityError) await readOn(chunks)
    throw error
  } finally {
    await chunks.return?.()
  }
}

async function readOn(chunks: AsyncIterator<Uint8Array>): Promise<void> {
  try {
    while ((await chunks.next()).done !== true);
  } catch (error) {
    if (error instanceof IntegrityError) throw error
  }
}
