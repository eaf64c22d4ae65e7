import {LimitError} from '../../errors.js'
import {layerCorrupt} from '../corrupt.js'
import {largestZstdWindow, unpackLimits} from '../limits.js'

/**
 * A piece of a frame that decoders take as a whole: its header, or one block, the last one with the
 * checksum after it.
 */
export interface FramePart {
  readonly kind: 'header' | 'block' | 'last block'
  readonly bytes: Buffer
  /** Of a header: what the frame's decoder has to keep, in bytes. */
  readonly window?: number
}

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.2.4 */
const largestBlock = 128 * 1024

/**
 * Cuts zstd into the parts of its frames; skippable frames (tables of contents, padding) are left
 * out. Throws `IntegrityError` (`ERR_INJECT_LAYER_CORRUPT`) for a frame that is cut off, whatever
 * is not a frame after one, frames that need a dictionary, and no frame at all; `LimitError` for
 * one that wants a window of more than `largestWindow` bytes. A part is at most 128 KiB, and so is
 * what it decompresses to. https://www.rfc-editor.org/rfc/rfc8878#section-3.1
 */
export async function* zstdFrames(
  content: AsyncIterable<Uint8Array>,
  largestWindow = unpackLimits.zstdWindow,
): AsyncGenerator<FramePart, void, undefined> {
  const source = reader(content)
  try {
    let frames = 0
    for (; (await source.has(1)) || frames === 0; frames++) {
      const magic = (await take(4)).readUInt32LE()
      if (isSkippable(magic)) await source.skip((await take(4)).readUInt32LE())
      else if (magic === zstdMagic) yield* frame()
      else throw corrupt('invalid zstd frame')
    }
  } finally {
    await source.close()
  }

  async function* frame(): AsyncGenerator<FramePart, void, undefined> {
    const descriptor = (await take(1)).readUInt8()
    const rest = await take(headerLength(descriptor))
    const window = windowIn(descriptor, rest)
    checkWindow(window, largestWindow)
    yield {
      kind: 'header',
      window,
      bytes: Buffer.concat([magicBytes, Buffer.of(descriptor), rest]),
    }
    for (let isLast = false; !isLast;) {
      const head = await take(3)
      const header = head.readUIntLE(0, 3)
      isLast = (header & 1) === 1
      const type = (header >> 1) & 3
      const size = header >> 3
      if (type === 3 || size > largestBlock) throw corrupt('a block of no known form')
      const checksum = isLast && (descriptor & 4) !== 0 ? 4 : 0
      const body = await take((type === 1 ? 1 : size) + checksum)
      yield {kind: isLast ? 'last block' : 'block', bytes: Buffer.concat([head, body])}
    }
  }

  async function take(length: number): Promise<Buffer> {
    if (!(await source.has(length))) throw corrupt('a frame that is cut off')
    return source.take(length)
  }
}

export const zstdMagic = 0xfd2fb528

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2 */
export function isSkippable(magic: number): boolean {
  return magic >>> 4 === 0x184d2a5
}

const magicBytes = Buffer.from('28b52ffd', 'hex')

/** Of what stands after the descriptor: window, dictionary and content size. */
function headerLength(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0
  const [dictionary = 0] = [[0, 1, 2, 4][descriptor & 3]]
  return (isSingle ? 0 : 1) + dictionary + contentSizeLength(descriptor)
}

function contentSizeLength(descriptor: number): number {
  const isSingle = (descriptor & 0x20) !== 0
  return [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0
}

function windowIn(descriptor: number, rest: Buffer): number {
  if ((descriptor & 0x18) !== 0) throw corrupt('a frame header with bits that mean nothing')
  if ((descriptor & 3) !== 0) throw corrupt('a frame that needs a dictionary')
  return (descriptor & 0x20) !== 0 ? contentSize(descriptor, rest) : windowSize(rest)
}

function checkWindow(window: number, largestWindow: number): void {
  if (window <= largestWindow) return
  throw new LimitError(
    'ERR_INJECT_ZSTD_WINDOW_TOO_LARGE',
    `the layer is compressed with a zstd window of ${window} bytes`,
    {
      expected: largestWindow,
      found: window,
      hint:
        window <= largestZstdWindow
          ? 'if you trust it, allow more memory: inject unpack --zstd-window 128M'
          : 'compress it again without --long or --ultra',
    },
  )
}

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1.1.2 */
function windowSize(rest: Buffer): number {
  const byte = rest.readUInt8(0)
  const base = 2 ** (10 + (byte >> 3))
  return base + (base / 8) * (byte & 7)
}

function contentSize(descriptor: number, rest: Buffer): number {
  const length = contentSizeLength(descriptor)
  const at = rest.length - length
  if (length === 8) return Number(rest.readBigUInt64LE(at))
  return rest.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}

function corrupt(what: string) {
  return layerCorrupt(`zstd: there is ${what}`)
}

/** Takes as many bytes as are wanted from chunks of any size. */
function reader(content: AsyncIterable<Uint8Array>) {
  const chunks = content[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>
  let held: Buffer = Buffer.alloc(0)
  let isOver = false

  /** Whether `length` bytes are there. */
  async function has(length: number): Promise<boolean> {
    if (held.length >= length) return true
    const parts = [held]
    let size = held.length
    while (size < length && !isOver) {
      const {value, done} = await chunks.next()
      if (done === true) isOver = true
      else {
        const {buffer, byteOffset, byteLength} = value
        parts.push(Buffer.from(buffer, byteOffset, byteLength))
        size += byteLength
      }
    }
    held = Buffer.concat(parts)
    return size >= length
  }

  function take(length: number): Buffer {
    const taken = held.subarray(0, length)
    held = held.subarray(length)
    return taken
  }

  return {
    has,
    take,
    async skip(length: number): Promise<void> {
      for (let left = length; left > 0;) {
        if (!(await has(1))) throw corrupt('a frame that is cut off')
        left -= take(Math.min(left, held.length)).length
      }
    },
    close: async (): Promise<void> => {
      await chunks.return?.()
    },
  }
}
