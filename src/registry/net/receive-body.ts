import type {Duplex} from 'node:stream'
import type {ByteStream} from '../../store/content-store.js'
import {createMinimumRate, type Moved} from '../../stream/minimum-rate.js'
import {TransportError} from './transport-error.js'
import {monotonicTime} from '../../disk/clock.js'

export interface ReceiveOptions {
  /** The longest time without a byte, in milliseconds. */
  readonly idle: number
  /** The slowest average rate in bytes per second, over each `window` milliseconds of waiting. */
  readonly rate: {readonly window: number; readonly minimum: number}
  readonly doing: string
  /** Converts the stream's error to the one to throw. */
  readonly failure: (error: unknown) => unknown
  /** Called once, when the body has been read or abandoned. */
  readonly finish: () => void
  /** Whether the connection can be reused once the body was read. */
  readonly reusable: () => boolean
}

/**
 * The answer's body. Only the time spent waiting for the network counts: a consumer may be slow.
 */
export async function* receiveBody(
  answer: Duplex,
  {idle, rate, doing, failure, finish, reusable}: ReceiveOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = answer[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  const watch = createMinimumRate(rate)
  let ended = false
  try {
    for (;;) {
      const since = monotonicTime()
      const timer = setTimeout(() => {
        answer.destroy(new TransportError('ETIMEDOUT', `${doing}: nothing came for ${idle} ms`))
      }, idle)
      const next = await chunks
        .next()
        .catch((error: unknown) => {
          throw failure(error)
        })
        .finally(() => clearTimeout(timer))
      if (next.done) {
        ended = true
        return
      }
      const moved = {bytes: next.value.length, milliseconds: monotonicTime() - since}
      const slow = watch.count(moved)
      if (slow) throw tooSlow(doing, slow)
      yield next.value
    }
  } finally {
    finish()
    if (!ended || !reusable()) answer.destroy()
  }
}

function tooSlow(doing: string, {bytes, milliseconds}: Moved): TransportError {
  const seconds = (milliseconds / 1000).toFixed(0)
  return new TransportError('ETIMEDOUT', `${doing}: only ${bytes} bytes came in ${seconds} s`)
}

/** Reading more than this costs more than a new connection. */
const worthReading = 64 * 1024

/**
 * Reads and discards a body of moderate size; closes the connection for a larger one. Never throws,
 * because nothing needs the bytes.
 */
export async function drain(body: ByteStream): Promise<void> {
  let size = 0
  try {
    for await (const chunk of body) {
      size += chunk.length
      if (size > worthReading) return
    }
  } catch {
    // the connection is gone, and so is the body
  }
}
