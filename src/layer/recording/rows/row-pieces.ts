/** Memory for rows that are read once or twice, in pieces that threads share. */
export interface RowPieces {
  /** A piece of at least so many bytes. */
  take(least: number): Buffer
  /** Of `take`, whole or in part, each once: nobody reads them any more. */
  giveBack(pieces: readonly Uint8Array[]): void
}

const usualBytes = 64 * 1024

/** What is given back is taken again: as garbage it would lie there for long. */
export function createRowPieces(): RowPieces {
  const free: Buffer[] = []
  return {
    take(least) {
      const piece = least <= usualBytes ? free.pop() : undefined
      return piece ?? Buffer.from(new SharedArrayBuffer(Math.max(usualBytes, least)))
    },
    giveBack(pieces) {
      for (const {buffer} of pieces)
        if (buffer.byteLength === usualBytes) free.push(Buffer.from(buffer))
    },
  }
}
