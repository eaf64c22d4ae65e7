import {crc32} from 'node:zlib'

/** No name, no time, no flags, OS "unknown": nothing of the machine. https://www.rfc-editor.org/rfc/rfc1952#section-2.3 */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** An empty last deflate block, after the sync flush of the one before. */
const end = Uint8Array.of(3, 0)

export interface GzipOptions {
  /** A block on its own, as deflate blocks of which none is the last, ended at a byte boundary. */
  readonly compress: (block: Buffer) => Promise<Uint8Array>
  /** Bytes of blocks that are held at once, at most, but for the newest one. */
  readonly ahead: number
  /** Called when a block is not needed any more. */
  readonly release?: (block: Buffer) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * One gzip member of the blocks, compressed in parallel. The bytes depend on the blocks and where they are cut, and on nothing else: not on the
 * number of processors, nor on which block is done first.
 */
export async function* gzip(
  blocks: Iterable<Buffer> | AsyncIterable<Buffer>,
  {compress, ahead, release, signal}: GzipOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const running: {readonly result: Promise<Uint8Array>; readonly length: number}[] = []
  let held = 0
  let crc = 0
  let length = 0
  yield header
  for await (const block of blocks) {
    // zlib takes an empty buffer, which may have no address, for a call to start over
    if (block.length === 0) continue
    crc = crc32(block, crc)
    length += block.length
    held += block.length
    running.push({result: start(block), length: block.length})
    while (held >= ahead) yield await head()
  }
  while (running.length > 0) yield await head()
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc, 0)
  trailer.writeUInt32LE(length % 2 ** 32, 4)
  yield Buffer.concat([end, trailer])

  function start(block: Buffer): Promise<Uint8Array> {
    const result = compress(block).finally(() => release?.(block))
    // whoever stops reading early never looks at the blocks that are still running
    result.catch(() => undefined)
    return result
  }

  async function head(): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const first = running.shift()
    held -= first?.length ?? 0
    return (await first?.result) ?? new Uint8Array()
  }
}
