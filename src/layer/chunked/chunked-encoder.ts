import type {Entry} from '../entry.js'
import {createTarReader} from '../tar/reader.js'
import {createCompressedText} from './compressed-text.js'
import {createCrc64} from './crc64.js'
import {createFileChunks} from './file-chunks.js'
import {createFrames} from './frames.js'
import {createTarSplit} from './tar-split.js'
import {createToc} from './toc.js'
import {chunkedTrailer} from './trailer.js'

/** Makes a zstd:chunked layer of a tar. */
export interface ChunkedEncoder {
  /** The frames that this part of the tar completes. */
  readonly write: (bytes: Uint8Array) => readonly Uint8Array[]
  /** The last frames, and what is to be said of the layer. */
  readonly end: () => ChunkedEnd
}

export interface ChunkedEnd {
  readonly frames: readonly Uint8Array[]
  /** Of the layer's descriptor; `undefined` without a table of contents. */
  readonly annotations: Readonly<Record<string, string>> | undefined
  /** Why there is no table of contents, to be read after "no table of contents: ". */
  readonly obstacle: string | undefined
}

/**
 * The content of each file is in frames of its own, one or more for each chunk, so that it can be
 * fetched alone; headers between two contents share a frame. The table of contents, tar-split and
 * footer follow in frames that other readers skip: to them it is zstd of the same tar. `frameOf`
 * gives one frame of at most 1 MiB, to be kept.
 */
export function createChunkedEncoder(frameOf: (bytes: Uint8Array) => Uint8Array): ChunkedEncoder {
  let ready: Uint8Array[] = []
  const frames = createFrames(frameOf, (frame) => void ready.push(frame))
  const chunks = createFileChunks(frames)
  const toc = createToc(createCompressedText(frameOf))
  const tarSplit = createTarSplit(createCompressedText(frameOf))
  let entry: Entry | undefined
  let crc = createCrc64()
  /** Headers and padding since the last content. */
  let between: Uint8Array[] = []
  /** Of the bytes that are being written, in the tar. */
  let start = 0
  let current: Uint8Array = new Uint8Array()
  /** In the tar: what is not content up to here is taken. */
  let taken = 0

  const reader = createTarReader(
    {
      entry(found, offset) {
        entry = found
        takeBetween(offset)
        tarSplit.segment(Buffer.concat(between))
        between = []
      },
      data(bytes) {
        crc.update(bytes)
        chunks.write(bytes)
        taken += bytes.length
      },
      entryEnd() {
        if (!entry) throw new Error('an entry ends that did not begin')
        const file = chunks.end()
        toc.add(entry, file)
        const size = entry.kind === 'file' ? entry.size : 0
        tarSplit.file(entry.path, size, file && crc.value())
        if (file) crc = createCrc64()
        entry = undefined
      },
    },
    {entries: Infinity},
  )

  return {
    write(bytes) {
      current = bytes
      reader.write(bytes)
      if (!entry) takeBetween(start + bytes.length)
      start += bytes.length
      return take()
    },
    end() {
      reader.end()
      tarSplit.segment(Buffer.concat(between))
      frames.cut()
      const split = tarSplit.end()
      const table = toc.end(split.digest)
      if (typeof table === 'string')
        return {frames: take(), annotations: undefined, obstacle: table}
      const {bytes, annotations} = chunkedTrailer(frames.position(), table, split)
      return {frames: [...take(), bytes], annotations, obstacle: undefined}
    },
  }

  /** The bytes up to this place in the tar are not content. */
  function takeBetween(end: number): void {
    const bytes = current.subarray(taken - start, end - start)
    taken = end
    if (bytes.length === 0) return
    frames.write(bytes)
    between.push(Uint8Array.from(bytes))
  }

  function take(): readonly Uint8Array[] {
    const all = ready
    ready = []
    return all
  }
}
