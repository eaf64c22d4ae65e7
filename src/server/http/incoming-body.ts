import type {IncomingMessage} from 'node:http'
import {quietly} from '../../disk/error-answers.js'
import type {ByteStream} from '../../store/content-store.js'
import {type MemoryShare, noRoom} from './body-memory.js'
import type {ServerLimits} from './limits.js'
import {clientClosedRequest, Refusal} from './refusal.js'
import {readAll} from '../../stream/limit.js'
import {createMinimumRate} from '../../stream/minimum-rate.js'
import {monotonicTime} from '../../disk/clock.js'

/** What a client sends after its headers. */
export interface IncomingBody {
  /**
   * From `Content-Length`; 0 for a request without a body, `undefined` for one that comes in
   * chunks.
   */
  readonly length: number | undefined
  /** Bytes that were read so far. */
  readonly received: number
  /** Whether there is, or may be, something that nobody has read. */
  isUnread(): boolean
  /**
   * Reads it, once. Throws `Refusal`: 413 beyond `limit` bytes (before the first when that is
   * announced), 408 for a client that stalls or drips, 499 for one that goes away.
   */
  open(limit: number): ByteStream
  /**
   * Reads it into memory that is held for the request. Throws as `open`, and `Refusal` (503) when
   * there is no room.
   */
  readWhole(limit: number): Promise<Uint8Array>
}

export interface IncomingBodyOptions {
  readonly limits: ServerLimits
  readonly memory: MemoryShare
  /** Tells a client that waits for a `100 Continue` that it may send. */
  readonly proceed: () => unknown
}

export function createIncomingBody(
  request: IncomingMessage,
  {limits, memory, proceed}: IncomingBodyOptions,
): IncomingBody {
  const length = lengthOf(request)
  let received = 0

  async function* read(limit: number): AsyncGenerator<Uint8Array, void, undefined> {
    proceed()
    const client = watchClient(limits, memory)
    const chunks = request[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    try {
      for (;;) {
        const next = await client.next(chunks)
        if (next.done) return
        received += next.value.length
        if (received > limit) throw tooLarge(limit)
        yield next.value
      }
    } catch (error) {
      throw error instanceof Refusal ? error : wentAway(error)
    }
    // the iterator is not closed: that would destroy the connection, over which the answer has yet
    // to go
  }

  async function* held(stream: ByteStream): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0
    for await (const chunk of stream) {
      bytes += chunk.length
      if (!memory.hold(bytes)) throw noRoom()
      yield chunk
    }
  }

  const open = (limit: number): ByteStream => {
    if (length !== undefined && length > limit) throw tooLarge(limit)
    return read(limit)
  }

  return {
    length,
    get received() {
      return received
    },
    isUnread: () => length !== 0 && !request.readableEnded,
    open,
    readWhole: (limit) => readAll(held(open(limit)), limit, 'the body'),
  }
}

function lengthOf({headers}: IncomingMessage): number | undefined {
  if (headers['transfer-encoding'] !== undefined) return undefined
  // the parser lets digits through only, and as many as fit
  return Number(headers['content-length'] ?? 0)
}

/**
 * Counts the time that is spent waiting for the client, and not the time that our own disk takes.
 */
function watchClient(
  {idleTime, uploadRate, rateWindow}: ServerLimits,
  memory: MemoryShare,
): {
  next(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>>
} {
  const rate = createMinimumRate({window: rateWindow, minimum: uploadRate})
  return {
    async next(chunks) {
      const start = monotonicTime()
      memory.waits()
      const result = await orStalled(chunks.next(), idleTime)
      memory.moved()
      if (result.done) return result
      const moved = {bytes: result.value.length, milliseconds: monotonicTime() - start}
      if (rate.count(moved)) throw tooSlow()
      return result
    },
  }
}

async function orStalled<T>(next: Promise<T>, idleTime: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), idleTime)
  })
  try {
    return await Promise.race([next, stalled])
  } finally {
    clearTimeout(timer)
    // it lost the race, so its outcome does not matter
    void quietly(next)
  }
}

function tooLarge(limit: number): Refusal {
  return new Refusal(413, 'SIZE_INVALID', `the body is larger than ${limit} bytes`)
}

function tooSlow(): Refusal {
  return new Refusal(408, 'BLOB_UPLOAD_INVALID', 'the body comes too slowly')
}

function wentAway(cause: unknown): Refusal {
  const message = 'the client went away before the end of the body'
  return new Refusal(clientClosedRequest, 'BLOB_UPLOAD_INVALID', message, {cause})
}
