export interface CompressAheadOptions {
  readonly compress: (block: Buffer) => Promise<Uint8Array>
  /**
   * Bytes of memory that blocks are in at once, at most, but for the newest one: a block may fill
   * its own in part.
   */
  readonly ahead: number
  /** Called when a block is not needed any more. */
  readonly release?: ((block: Buffer) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * The blocks, compressed in parallel, in their order. Fails with the first one that does; the
 * others go unheard.
 */
export async function* compressAhead(
  blocks: Iterable<Buffer> | AsyncIterable<Buffer>,
  {compress, ahead, release, signal}: CompressAheadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const running: {readonly result: Promise<Uint8Array>; readonly byteLength: number}[] = []
  let held = 0
  for await (const block of blocks) {
    const {byteLength} = block.buffer
    held += byteLength
    running.push({result: start(block), byteLength})
    while (held >= ahead) yield await head()
  }
  while (running.length > 0) yield await head()

  function start(block: Buffer): Promise<Uint8Array> {
    const result = compress(block).finally(() => release?.(block))
    // anyone who stops reading early never looks at the blocks that are still running
    result.catch(() => undefined)
    return result
  }

  async function head(): Promise<Uint8Array> {
    signal?.throwIfAborted()
    const first = running.shift()
    held -= first?.byteLength ?? 0
    return (await first?.result) ?? new Uint8Array()
  }
}
