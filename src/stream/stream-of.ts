/** A stream of bytes that are in memory already, in these chunks. */
// eslint-disable-next-line @typescript-eslint/require-await -- there is nothing to wait for
export async function* streamOf(
  ...chunks: readonly Uint8Array[]
): AsyncGenerator<Uint8Array, void, undefined> {
  yield* chunks
}
