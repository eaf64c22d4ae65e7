import {crc32} from 'node:zlib'
import type {Deflater} from './deflater.js'

/** How much of the input before a block the block may refer to: deflate's window. */
const window = 32 * 1024

/** No name, no time, no flags, OS "unknown": nothing of the machine. https://www.rfc-editor.org/rfc/rfc1952#section-2.3 */
const header = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255)

/** An empty last deflate block, after the sync flush of the one before. */
const end = Uint8Array.of(3, 0)

/** Where the tar is cut for compression: part of the format, since another size gives other bytes. */
export const gzipBlockLength = 1024 * 1024

export interface GzipOptions {
  readonly deflater: Deflater
  /** How many blocks are compressed at once. */
  readonly concurrency: number
  /** Called when a block is not needed any more. */
  readonly release?: (block: Buffer) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * One gzip member of the blocks, compressed in parallel. The bytes depend on the blocks and where they are cut, and on nothing else: not on the
 * number of processors, nor on which block is done first. At most `concurrency` blocks are held.
 */
export async function* gzip(
  blocks: Iterable<Buffer> | AsyncIterable<Buffer>,
  {deflater, concurrency, release, signal}: GzipOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const running: Promise<Uint8Array>[] = []
  let dictionary: Uint8Array | undefined
  let crc = 0
  let length = 0
  yield header
  for await (const block of blocks) {
    // zlib takes an empty buffer, which may have no address, for a call to start over
    if (block.length === 0) continue
    crc = crc32(block, crc)
    length += block.length
    running.push(compress(block, dictionary))
    dictionary = Buffer.from(block.subarray(-window))
    if (running.length >= concurrency) yield await head()
  }
  while (running.length > 0) yield await head()
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc, 0)
  trailer.writeUInt32LE(length % 2 ** 32, 4)
  yield Buffer.concat([end, trailer])

  function compress(block: Buffer, before: Uint8Array | undefined): Promise<Uint8Array> {
    const result = deflater.deflate(block, before).finally(() => release?.(block))
    // whoever stops reading early never looks at the blocks that are still running
    result.catch(() => undefined)
    return result
  }

  async function head(): Promise<Uint8Array> {
    signal?.throwIfAborted()
    return (await running.shift()) ?? new Uint8Array()
  }
}
