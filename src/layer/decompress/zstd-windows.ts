import {LimitError} from '../../errors.js'
import type {FramePart} from './zstd-frames.js'

/** Blocks that are kept until it is clear whether their frame has more of them. */
const mostKept = 8

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2.4 */
const largestBlock = 128 * 1024

/**
 * Bytes of windows for each byte that may come out of their frames, looked at once all windows
 * together exceed `freeBytes`.
 */
const [ratio, freeBytes] = [64, 4 * 1024 * 1024 * 1024]

/**
 * The same frames, with the memory that they need: a decoder gets as much as a frame's window, and
 * anyone who makes frames of files (zstd:chunked) asks 8 MiB for each of a few bytes. Frames
 * without content are left out. Throws `LimitError` (`ERR_INJECT_LAYER_RATIO`) when windows are out
 * of all proportion to what they are for.
 */
export async function* thriftyFrames(
  parts: AsyncIterable<FramePart>,
): AsyncGenerator<FramePart, void, undefined> {
  let kept: FramePart[] = []
  let isKeeping = false
  const budget = {windows: 0, content: 0}
  for await (const part of parts) {
    budget.content += part.kind === 'header' ? 0 : contentBound(part)
    if (part.kind === 'header') isKeeping = true
    if (!isKeeping) {
      yield part
      continue
    }
    kept.push(part)
    const isLast = part.kind === 'last block'
    if (!isLast && kept.length <= mostKept) continue
    const [header, ...blocks] = kept
    kept = []
    isKeeping = false
    const bound = blocks.reduce((sum, block) => sum + contentBound(block), 0)
    if (header === undefined || (isLast && bound === 0)) continue
    const small = isLast ? shrunk(header, bound) : header
    charge(budget, small.window ?? 0)
    yield small
    yield* blocks
  }
}

function charge(budget: {windows: number; readonly content: number}, window: number): void {
  budget.windows += window
  if (budget.windows <= freeBytes || budget.windows <= budget.content * ratio) return
  throw new LimitError(
    'ERR_INJECT_LAYER_RATIO',
    `the layer's zstd frames want ${budget.windows} bytes of memory one after the other, for ${budget.content} bytes at most`,
    {expected: ratio, found: Math.floor(budget.windows / Math.max(1, budget.content))},
  )
}

/** The most bytes that a block gives; what is raw or repeated says how many. */
function contentBound({bytes}: FramePart): number {
  const header = bytes.readUIntLE(0, 3)
  return ((header >> 1) & 3) === 2 ? largestBlock : header >> 3
}

/**
 * A window that holds `content` bytes is all that a frame of so many uses. One that is its
 * content's size (a single segment) stays.
 */
function shrunk(header: FramePart, content: number): FramePart {
  const descriptor = header.bytes.readUInt8(4)
  const exponent = Math.max(0, Math.ceil(Math.log2(Math.max(content, largestBlock))) - 10)
  const window = 2 ** (10 + exponent)
  if ((descriptor & 0x20) !== 0 || window >= (header.window ?? 0)) return header
  const bytes = Buffer.from(header.bytes)
  bytes.writeUInt8(exponent << 3, 5)
  return {...header, bytes, window}
}
