export interface ZstdOptions {
  /** A block as a frame. */
  readonly compress: (block: Buffer) => Promise<Uint8Array>
  /** How many blocks are compressed at once. */
  readonly concurrency: number
  /** Called when a block is not needed any more. */
  readonly release?: (block: Buffer) => void
  readonly signal?: AbortSignal | undefined
}

/**
 * One zstd frame for each block, one after the other, compressed in parallel. The bytes depend on the blocks and where they are cut, and on nothing else. At most
 * `concurrency` blocks are held. https://www.rfc-editor.org/rfc/rfc8878#section-3
 */
export async function* zstd(
  blocks: Iterable<Buffer>,
  {compress, concurrency, release, signal}: ZstdOptions,
): AsyncGenerator<Uint8Array> {
  const running: Promise<Uint8Array>[] = []
  for (const block of blocks) {
    const frame = compress(block).finally(() => release?.(block))
    // whoever stops reading early never looks at the frames that are still being made
    frame.catch(() => undefined)
    running.push(frame)
    if (running.length >= concurrency) yield await head()
  }
  while (running.length > 0) yield await head()

  async function head(): Promise<Uint8Array> {
    signal?.throwIfAborted()
    return (await running.shift()) ?? new Uint8Array()
  }
}
