/*
 * Lists of numbers that may become long, in pieces of memory: they grow without a copy. The C
 * library, when it gets back a megabyte that it has allocated, keeps twice as much of whatever is
 * given back later, for each thread. Three classes, because code for arrays of one type is faster.
 */

const shift = 13
const pieceLength = 2 ** shift
const mask = pieceLength - 1

/** Numbers of 32 bits without a sign, each four bytes. */
export class WordList {
  length = 0
  private readonly pieces: Uint32Array[] = []

  /** 0 for what was never put. */
  at(index: number): number {
    return this.pieces[index >>> shift]?.[index & mask] ?? 0
  }

  /** In any order; what is before it and was never put is 0. */
  put(index: number, value: number): void {
    const {pieces} = this
    const place = index >>> shift
    while (place >= pieces.length) pieces.push(new Uint32Array(pieceLength))
    const piece = pieces[place]
    if (piece) piece[index & mask] = value
    if (index >= this.length) this.length = index + 1
  }

  push(value: number): void {
    this.put(this.length, value)
  }
}

/** Any numbers, each eight bytes. */
export class FloatList {
  length = 0
  private readonly pieces: Float64Array[] = []

  /** 0 for what was never put. */
  at(index: number): number {
    return this.pieces[index >>> shift]?.[index & mask] ?? 0
  }

  /** In any order; what is before it and was never put is 0. */
  put(index: number, value: number): void {
    const {pieces} = this
    const place = index >>> shift
    while (place >= pieces.length) pieces.push(new Float64Array(pieceLength))
    const piece = pieces[place]
    if (piece) piece[index & mask] = value
    if (index >= this.length) this.length = index + 1
  }

  push(value: number): void {
    this.put(this.length, value)
  }
}

/** Numbers of 64 bits without a sign, each eight bytes. */
export class LongList {
  length = 0
  private readonly pieces: BigUint64Array[] = []

  /** 0 for what is past the end. */
  at(index: number): bigint {
    return this.pieces[index >>> shift]?.[index & mask] ?? 0n
  }

  push(value: bigint): void {
    const {pieces} = this
    const index = this.length++
    if ((index & mask) === 0) pieces.push(new BigUint64Array(pieceLength))
    const piece = pieces[index >>> shift]
    if (piece) piece[index & mask] = value
  }
}
