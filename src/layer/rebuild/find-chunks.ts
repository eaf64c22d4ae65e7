import {createFileChunks} from '../chunked/file-chunks.js'

/** Bytes of a file: the chunks of a larger one would take too much memory. */
const largest = 8 * 1024 ** 3

/**
 * Where in a file its chunks begin, by `digest size`: those that packing would cut it into. None of
 * a very large file.
 */
export async function findChunks(
  content: AsyncIterable<Uint8Array>,
  size: number,
): Promise<ReadonlyMap<string, number>> {
  if (size > largest) return new Map()
  const cutter = createFileChunks(noFrames)
  for await (const bytes of content) cutter.write(bytes)
  const file = cutter.end()
  const [only, ...others] = file?.chunks ?? []
  if (!file || !only) return new Map()
  // a file that is not cut has no digest of its only chunk
  const chunks = others.length === 0 ? [{...only, digest: file.digest}] : file.chunks
  return new Map(chunks.map(({digest, size, offset}) => [`${digest} ${size}`, offset]))
}

const noFrames = {
  write(): void {
    // nothing is compressed
  },
  cut(): void {
    // and there is no frame that could end
  },
  position: () => 0,
}
