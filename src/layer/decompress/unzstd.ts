import {Readable, type Transform} from 'node:stream'
import {pipeline} from 'node:stream/promises'
import * as zlib from 'node:zlib'
import type {Decompress as Decoder} from 'fzstd'
import {layerCorrupt} from '../corrupt.js'
import {createTurn} from '../../stream/take-turns.js'
import {type FramePart, zstdFrames} from './zstd-frames.js'
import {thriftyFrames} from './zstd-windows.js'

/** Of a Node that has one (22.15 and later), which is several times as fast. */
const {createZstdDecompress} = zlib as {createZstdDecompress?: CreateDecoder}
type CreateDecoder = (options: object) => Transform

export interface UnzstdOptions {
  /** Default: Node's, where it has one. */
  readonly createNative?: CreateDecoder | null | undefined
  /** The largest window of a frame, in bytes. */
  readonly window?: number | undefined
}

/**
 * Decompresses zstd: one frame or several, skippable ones (as those of zstd:chunked) passed over.
 * Throws what `zstdFrames` throws, and `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) for a block
 * that is broken; whether a frame's own checksum is looked at depends on the decoder, because the
 * diff ID covers all. Bounded memory; `content` is closed also when the consumer stops early.
 */
export function unzstd(
  content: AsyncIterable<Uint8Array>,
  {createNative = createZstdDecompress ?? null, window}: UnzstdOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const frames = thriftyFrames(zstdFrames(content, window))
  return createNative ? withNative(frames, createNative) : withFzstd(frames)
}

async function* withNative(
  frames: AsyncGenerator<FramePart>,
  create: CreateDecoder,
): AsyncGenerator<Uint8Array, void, undefined> {
  const first = await frames.next()
  // Node takes no input at all for a frame that is cut off
  if (first.done === true) return
  const {bytes: start} = first.value
  const decoder = create({chunkSize: 256 * 1024})
  let cause: Error | undefined
  async function* bytes(): AsyncGenerator<Uint8Array> {
    try {
      yield start
      for await (const part of frames) yield part.bytes
    } catch (error) {
      cause = error instanceof Error ? error : new Error(String(error))
      throw error
    }
  }
  const feeding = pipeline(Readable.from(bytes(), {objectMode: false}), decoder)
  feeding.catch(() => undefined)
  try {
    for await (const chunk of decoder) yield chunk as Buffer
    await feeding
  } catch (error) {
    throw cause ?? broken(error)
  } finally {
    decoder.destroy()
    await feeding.catch(() => undefined)
  }
}

async function* withFzstd(
  frames: AsyncGenerator<FramePart>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const {Decompress} = await import('fzstd')
  let given: Uint8Array[] = []
  let decoder = new Decompress()
  const turn = createTurn()
  for await (const {kind, bytes} of frames) {
    if (turn.isOver()) await turn.giveTurn()
    if (kind === 'header') decoder = new Decompress((chunk) => void given.push(chunk))
    push(decoder, bytes, kind === 'last block')
    yield* given
    given = []
  }
}

/**
 * The decoder throws errors of its own, and of JavaScript's where its tables do not fit the data.
 */
function push(decoder: Decoder, bytes: Uint8Array, isLast: boolean): void {
  try {
    decoder.push(bytes, isLast)
  } catch (error) {
    throw broken(error)
  }
}

function broken(cause: unknown): Error {
  return layerCorrupt(`zstd: ${cause instanceof Error ? cause.message : String(cause)}`, {cause})
}
