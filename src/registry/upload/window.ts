import type {BlobSource, CallOptions, OpenOptions} from '../../store/content-store.js'

/**
 * The start of a source: the whole source, or a source that continues from there without opening
 * the first one twice.
 */
export type Windowed =
  | {readonly kind: 'whole'; readonly bytes: Uint8Array}
  | {
      readonly kind: 'part'
      readonly source: BlobSource
      /** Closes the first opening if it was not resumed. */
      release(): Promise<void>
    }

/** Reads up to `limit` bytes and a chunk, to see whether there are more. */
export async function readWindow(
  source: BlobSource,
  limit: number,
  options: CallOptions,
): Promise<Windowed> {
  const rest = source.open({...options, isTransient: true})[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let size = 0
  while (size <= limit) {
    const next = await rest.next()
    if (next.done) return {kind: 'whole', bytes: Buffer.concat(chunks)}
    chunks.push(copyOf(next.value))
    size += next.value.length
  }
  let unread = true
  return {
    kind: 'part',
    source: {
      open(again) {
        if (!unread) return source.open(again)
        unread = false
        return resume(chunks, rest, again)
      },
    },
    async release() {
      if (unread) await rest.return?.()
      unread = false
    },
  }
}

async function* resume(
  chunks: Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
  {isTransient = false}: OpenOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    // release each chunk once it is sent
    for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) yield chunk
    for (let next = await rest.next(); !next.done; next = await rest.next())
      yield isTransient ? next.value : copyOf(next.value)
  } finally {
    await rest.return?.()
  }
}

/** The producer may use the memory of a chunk again. */
function copyOf(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk)
}
