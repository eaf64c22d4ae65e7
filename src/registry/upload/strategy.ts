import {RefusedError} from '../net/transport-error.js'

const MiB = 1024 * 1024

/**
 * What was learnt of how a registry takes blobs, kept for the run: what it refused once is not
 * tried again.
 */
export interface UploadStrategy {
  /** One PUT with the bytes and their digest. */
  singlePut: boolean
  /** PATCH, at all. */
  patch: boolean
  /** PATCH with `Content-Range`. */
  ranges: boolean
  /** One PATCH for all of it; ranged chunks otherwise. */
  stream: boolean
  /** Bytes of a ranged chunk. */
  chunkSize: number
}

/** The most that a chunk may be, since chunks are held in memory. */
export const largestChunk = 256 * MiB
/**
 * What chunks are where nobody asks for others, and how much of a stream is kept to be sent again.
 */
export const usualChunk = 8 * MiB
/** A source that ends within this is known before it is sent, and sent from memory. */
export const smallestStream = 4 * MiB
/** GHCR takes less than 4 MiB in a ranged request; nginx, unless told otherwise, 1 MiB in any. */
const smallerChunks = [4 * MiB - 1, MiB - 1]

/** What the distribution specification promises; `chunkSize` is what the user asks for. */
export function initialStrategy(chunkSize: number | undefined): UploadStrategy {
  return {
    singlePut: true,
    patch: true,
    ranges: true,
    stream: chunkSize === undefined,
    chunkSize: chunkSize ?? usualChunk,
  }
}

/**
 * After a body was too large: ranged chunks, smaller than before. False when there are none left to
 * try. `tried`: how large the body was, if that is known.
 */
export function shrinkChunks(strategy: UploadStrategy, tried = Infinity): boolean {
  const smaller = smallerChunks.find(
    (size) => size < Math.min(tried, strategy.stream ? Infinity : strategy.chunkSize),
  )
  if (smaller === undefined || !strategy.ranges) return false
  strategy.stream = false
  strategy.chunkSize = smaller
  return true
}

/** What registries answer to a request of a kind that they do not know. */
export function isUnknownWay(error: unknown): error is RefusedError {
  return error instanceof RefusedError && [400, 405, 415, 501].includes(error.status)
}

/**
 * What came of an attempt: the registry has all of it; send what it lacks in another way; this
 * registry takes no PATCH that would do.
 */
export type Sent = 'all' | 'otherwise' | 'impossible'
