import {createHash, type Hash} from 'node:crypto'
import type {Digest} from '../../oci/digest.js'
import type {Frames} from './frames.js'

/** A part of a file that has frames of its own. */
export interface Chunk {
  /** Of its first byte, in the file. */
  readonly offset: number
  readonly size: number
  readonly digest: Digest
  readonly isZeros: boolean
  /** Of its first frame, in the layer. */
  readonly at: number
}

/** Where in the layer the content of a file is. */
export interface ChunkedFile {
  readonly digest: Digest
  /** Of the first frame, and of the end of the last one. */
  readonly at: number
  readonly end: number
  readonly chunks: readonly Chunk[]
}

/** Cuts one file after the other. */
export interface FileChunks {
  /** A part of the content; the bytes are not kept. */
  readonly write: (bytes: Uint8Array) => void
  /** Ends the file; `undefined` if it is empty. */
  readonly end: () => ChunkedFile | undefined
}

/** A chunk ends where the lower 16 bits of the sum are set: every 64 KiB on average. */
const splitMask = 0xffff
const windowSize = 64
const byteOffset = 31
/** Zeros in a row that are a chunk of their own, which nobody needs to fetch. */
const shortestHole = 1024
const zeroBytes = new Uint8Array(64 * 1024)

/**
 * Cuts files where the rolling checksum of bup says so, and around runs of zeros: by the content,
 * so that most chunks of a changed file are those of the file before. The same cuts as podman's, so
 * that either finds the other's chunks.
 * https://github.com/containers/container-libs/blob/storage/v1.65.1/storage/pkg/chunked/compressor/compressor.go
 */
export function createFileChunks(frames: Frames): FileChunks {
  const window = new Uint8Array(windowSize)
  let turn = 0
  let sum = 0
  let sumOfSums = 0
  /** Zeros of the run before the next byte: not decided yet, or of a hole. */
  let zeros = 0
  let isHole = false

  let hash: Hash | undefined
  let chunkHash: Hash | undefined
  let chunks: Chunk[] = []
  let size = 0
  /** Of the chunk that is open. */
  let start = 0
  let at = 0
  reset()

  return {
    write(bytes) {
      // places in `bytes`; zeros that came with earlier bytes have negative ones
      let from = isHole ? 0 : -zeros
      for (let here = 0; here < bytes.length;) {
        if (bytes[here] === 0) {
          const end = endOfZeros(bytes, here)
          zeros += end - here
          here = end
          if (isHole || zeros < shortestHole) continue
          put(bytes, from, here - zeros)
          cut(false)
          isHole = true
          from = here - zeros
          continue
        }
        if (isHole) {
          put(bytes, from, here)
          roll(zeros)
          cut(true)
          isHole = false
          from = here
        } else if (zeros > 0) from = takeZeros(bytes, from, here)
        zeros = 0
        here = rollOn(bytes, here)
        if ((sumOfSums & splitMask) !== splitMask) continue
        put(bytes, from, here)
        cut(false)
        from = here
      }
      put(bytes, from, isHole ? bytes.length : bytes.length - zeros)
    },
    end() {
      if (!isHole) {
        const left = takeZeros(zeroBytes, -zeros, 0)
        put(zeroBytes, left, 0)
      }
      cut(isHole)
      const file = hash && {
        digest: digestFrom(hash),
        at: chunks[0]?.at ?? 0,
        end: frames.position(),
        chunks,
      }
      reset()
      return file
    },
  }

  function reset(): void {
    window.fill(0)
    turn = 0
    sum = windowSize * byteOffset
    sumOfSums = windowSize * (windowSize - 1) * byteOffset
    zeros = 0
    isHole = false
    hash = undefined
    chunkHash = undefined
    chunks = []
    size = 0
    start = 0
  }

  /** The run of zeros before `here` is content; says from where on nothing is written yet. */
  function takeZeros(bytes: Uint8Array, from: number, here: number): number {
    let next = from
    for (let zero = here - zeros; zero < here; zero++) {
      roll(1)
      if ((sumOfSums & splitMask) !== splitMask) continue
      put(bytes, next, zero + 1)
      cut(false)
      next = zero + 1
    }
    return next
  }

  /** Up to a zero, the end of a chunk, or the end; says where. Its variables are for speed. */
  function rollOn(bytes: Uint8Array, from: number): number {
    let [place, one, two] = [turn, sum, sumOfSums]
    let here = from
    while (here < bytes.length) {
      const byte = bytes[here] ?? 0
      if (byte === 0) break
      here++
      const dropped = window[place] ?? 0
      window[place] = byte
      place = (place + 1) & (windowSize - 1)
      one += byte - dropped
      two = (two + one - windowSize * (dropped + byteOffset)) | 0
      if ((two & splitMask) === splitMask) break
    }
    turn = place
    sum = one
    sumOfSums = two
    return here
  }

  /** After as many zeros as the window holds the sums stay as they are. */
  function roll(count: number): void {
    for (let left = Math.min(count, windowSize); left > 0; left--) {
      const dropped = window[turn] ?? 0
      window[turn] = 0
      turn = (turn + 1) & (windowSize - 1)
      sum -= dropped
      sumOfSums = (sumOfSums + sum - windowSize * (dropped + byteOffset)) | 0
    }
  }

  /** Adds bytes to the chunk: those at negative places are zeros. */
  function put(bytes: Uint8Array, from: number, to: number): void {
    for (let left = Math.min(to, 0) - from; left > 0; left -= zeroBytes.length)
      add(zeroBytes.subarray(0, left))
    if (to > 0) add(bytes.subarray(Math.max(from, 0), to))
  }

  function add(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (size === start) beginChunk()
    hash?.update(bytes)
    chunkHash?.update(bytes)
    frames.write(bytes)
    size += bytes.length
  }

  /** Only a file of several chunks needs their hashes: until then the first has the file's. */
  function beginChunk(): void {
    frames.cut()
    at = frames.position()
    const [first] = chunks
    if (hash && first && chunks.length === 1)
      chunks[0] = {...first, digest: digestFrom(hash.copy())}
    chunkHash = hash && createHash('sha256')
    hash ??= createHash('sha256')
  }

  function cut(isZeros: boolean): void {
    if (size === start) return
    frames.cut()
    const digest = chunkHash ? digestFrom(chunkHash) : noDigest
    chunks.push({offset: start, size: size - start, digest, isZeros, at})
    start = size
  }
}

function endOfZeros(bytes: Uint8Array, from: number): number {
  let end = from
  while (bytes[end] === 0) end++
  return end
}

/** Of the first chunk, until there is another one. */
const noDigest: Digest = `sha256:${'0'.repeat(64)}` as Digest

function digestFrom(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}` as Digest
}
