import {RefusedError} from '../net/transport-error.js'

const MiB = 1024 * 1024

/**
 * How a registry accepts blobs, learned during the run: a method that it refused is not tried
 * again.
 */
export interface UploadStrategy {
  /** One PUT with the bytes and their digest. */
  singlePut: boolean
  /** PATCH in any form. */
  patch: boolean
  /** PATCH with `Content-Range`. */
  ranges: boolean
  /** One PATCH for the whole blob; ranged chunks otherwise. */
  stream: boolean
  /** Bytes of a ranged chunk. */
  chunkSize: number
}

/** The largest chunk, since chunks are held in memory. */
export const largestChunk = 256 * MiB
/** The default size of chunks, and how much of a stream is kept to be sent again. */
export const usualChunk = 8 * MiB
/** A source up to this size is read completely before it is sent, and sent from memory. */
export const smallestStream = 4 * MiB
/** GHCR accepts less than 4 MiB in a ranged request; nginx, by default, 1 MiB in any request. */
const smallerChunks = [4 * MiB - 1, MiB - 1]

/** What the distribution specification promises; `chunkSize` is the user's choice. */
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
 * After a body that was too large: switches to ranged chunks, smaller than before. False when it
 * was at the smallest size already. `tried`: how large the body was, if that is known.
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

/** How registries answer a kind of request that they do not support. */
export function isUnknownWay(error: unknown): error is RefusedError {
  return error instanceof RefusedError && [400, 405, 415, 501].includes(error.status)
}

/**
 * The result of an attempt: the registry has all of it; the rest must be sent in another way; the
 * registry accepts no usable PATCH.
 */
export type Sent = 'all' | 'otherwise' | 'impossible'
