import type {BlobSource, CallOptions} from '../../store/content-store.js'

/** A source, read in slices. */
export interface SourceSlices {
  /**
   * The next bytes, valid until the next call; `undefined` at the end. Opens the source at the
   * first call. Throws what the source throws, again at each further call.
   */
  next(): Promise<Uint8Array | undefined>
  /** Closes the source; the next call of `next` opens it again. */
  close(): Promise<void>
}

export function createSourceSlices(
  source: BlobSource,
  largest: number,
  call: CallOptions,
): SourceSlices {
  let reader: AsyncIterator<Uint8Array> | undefined
  let rest: Uint8Array = new Uint8Array()
  let failure: {readonly error: unknown} | undefined

  return {
    async next() {
      // after it has thrown, a generator reports its end
      if (failure) throw failure.error
      reader ??= source.open({...call, isTransient: true})[Symbol.asyncIterator]()
      if (rest.length === 0) {
        const next = await reader.next().catch((error: unknown) => {
          failure = {error}
          throw error
        })
        if (next.done) return undefined
        rest = next.value
      }
      const slice = rest.subarray(0, largest)
      rest = rest.subarray(slice.length)
      return slice
    },
    async close() {
      const running = reader
      reader = undefined
      await running?.return?.()
      rest = new Uint8Array()
      failure = undefined
    },
  }
}
