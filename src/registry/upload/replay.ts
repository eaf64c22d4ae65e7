import {createHash, type Hash} from 'node:crypto'
import {LocalIoError} from '../../errors.js'
import {parseDigest, type Digest} from '../../oci/digest.js'
import type {BlobSource, CallOptions} from '../../store/content-store.js'
import type {BlobInfo} from '../../oci/descriptor.js'
import type {Checkpoint} from '../../store/upload-journal.js'

/** Where digests of the start are kept, to be compared when the source is read again. */
const checkpointDistance = 8 * 1024 * 1024
const sliceSize = 1024 * 1024

/**
 * A source that is read once as long as all goes well, and of which any part can be had again: what
 * was read last is kept in memory, and for what lies further back the source is opened anew and
 * read up to there. What it gives then must be what it gave before: throws `LocalIoError`
 * (`ERR_INJECT_SOURCE_CHANGED`) when it is not.
 */
export interface Replay {
  /** How many bytes the source has given at most. */
  readonly furthest: number
  /** The last place of which the digest is kept. */
  readonly checkpoint: Checkpoint | undefined
  /**
   * The bytes from `offset` to the end, each chunk good until the next one. Leaving it early does
   * not end the source.
   */
  stream(offset: number): AsyncGenerator<Uint8Array, void, undefined>
  /** `length` bytes from `offset`, fewer only at the end; good until the next call. */
  read(offset: number, length: number): Promise<Uint8Array[]>
  /** What the whole is; reads to the end if that has not happened. */
  measure(): Promise<BlobInfo>
  /**
   * What the source must turn out to be when it comes to this place. Replaces all that was known.
   */
  expect(checkpoint: Checkpoint | undefined): void
  /** Ends the source. */
  close(): Promise<void>
}

/**
 * What is kept is `capacity` bytes, and what one `read` asks for; nothing is allocated before the
 * first byte is read.
 */
export function createReplay(source: BlobSource, capacity: number, call: CallOptions): Replay {
  let most = capacity
  const digests = new Map<number, Digest>()
  let ring: Buffer | undefined
  let reader: AsyncIterator<Uint8Array> | undefined
  let hash: Hash = createHash('sha256')
  /** Read from the running reader. */
  let position = 0
  let furthest = 0
  /** The oldest byte in the ring. */
  let oldest = 0
  let rest: Uint8Array = new Uint8Array()
  let whole: BlobInfo | undefined
  let isAtEnd = false
  /** What was read last did not all get into what is kept. */
  let isTorn = false
  let failure: unknown
  let turn: Promise<unknown> = Promise.resolve()

  /** One after the other: a request that failed may still be waiting for its next bytes. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work, work)
    turn = mine.catch(() => undefined)
    return mine
  }

  return {
    get furthest() {
      return furthest
    },
    get checkpoint() {
      const offset = Math.floor(position / checkpointDistance) * checkpointDistance
      const digest = digests.get(offset)
      return digest && {offset, digest}
    },
    async *stream(offset) {
      for (let at = offset; ;) {
        const bytes = await inTurn(() => available(at))
        if (!bytes) return
        at += bytes.length
        yield bytes
      }
    },
    read: (offset, length) =>
      inTurn(async () => {
        const parts: Uint8Array[] = []
        if (length > most) await grow(length)
        await reach(offset + length, offset)
        const end = Math.min(offset + length, position)
        for (let at = offset; at < end;) {
          const part = kept(at, end)
          parts.push(part)
          at += part.length
        }
        return parts
      }),
    measure: () =>
      inTurn(async () => {
        while (!whole) await advance()
        return whole
      }),
    expect(checkpoint) {
      digests.clear()
      if (checkpoint) digests.set(checkpoint.offset, checkpoint.digest)
    },
    close: () => inTurn(end),
  }

  async function available(at: number): Promise<Uint8Array | undefined> {
    await reach(at + 1, at)
    return at < position ? kept(at, Math.min(position, at + sliceSize)) : undefined
  }

  /**
   * Reads on until `end`, or the source's end; from its beginning where what is kept starts after
   * `start`.
   */
  async function reach(end: number, start: number): Promise<void> {
    if (start < oldest || isTorn) await startAgain()
    while (position < end && !isAtEnd) await advance()
    if (start > position) throw changed(start)
  }

  /** What was kept is lost: this is for registries that want larger chunks than all others. */
  async function grow(length: number): Promise<void> {
    most = length
    ring = undefined
    await startAgain()
  }

  async function startAgain(): Promise<void> {
    await end()
    hash = createHash('sha256')
    position = oldest = 0
    rest = new Uint8Array()
    isAtEnd = isTorn = false
    failure = undefined
  }

  async function advance(): Promise<void> {
    // a source that has thrown says next that it is at its end
    if (failure !== undefined) throw failure as Error
    reader ??= source.open(call)[Symbol.asyncIterator]()
    if (rest.length === 0) {
      const next = await reader.next().catch((error: unknown) => {
        failure = error
        throw error
      })
      if (next.done) {
        finish()
        return
      }
      rest = next.value
    }
    const slice = rest.subarray(0, sliceSize)
    rest = rest.subarray(slice.length)
    isTorn = true
    keep(slice)
    for (let at = 0; at < slice.length;) {
      const boundary = checkpointDistance - ((position + at) % checkpointDistance)
      const part = slice.subarray(at, at + boundary)
      hash.update(part)
      at += part.length
      if (part.length === boundary) check(position + at)
    }
    position += slice.length
    isTorn = false
    furthest = Math.max(furthest, position)
  }

  function check(offset: number): void {
    const digest = digestNow()
    const before = digests.get(offset)
    if (before !== undefined && before !== digest) throw changed(offset)
    digests.set(offset, digest)
  }

  function finish(): void {
    const found = {digest: digestNow(), size: position}
    check(position)
    if ((whole && whole.digest !== found.digest) || position < furthest) throw changed(position)
    whole = found
    isAtEnd = true
  }

  function digestNow(): Digest {
    return parseDigest(`sha256:${hash.copy().digest('hex')}`)
  }

  function keep(slice: Uint8Array): void {
    ring ??= Buffer.allocUnsafeSlow(most + 2 * sliceSize)
    const at = position % ring.length
    const first = slice.subarray(0, ring.length - at)
    ring.set(first, at)
    ring.set(slice.subarray(first.length), 0)
    oldest = Math.max(oldest, position + slice.length - ring.length)
  }

  /** A view of what is kept, as far as it lies in one piece. */
  function kept(start: number, end: number): Uint8Array {
    if (!ring) return new Uint8Array()
    const at = start % ring.length
    return ring.subarray(at, Math.min(ring.length, at + end - start))
  }

  async function end(): Promise<void> {
    const running = reader
    reader = undefined
    await running?.return?.()
  }
}

function changed(offset: number): LocalIoError {
  return new LocalIoError(
    'ERR_INJECT_SOURCE_CHANGED',
    `what is uploaded is not what it was before, somewhere before byte ${offset}`,
    {hint: 'run again when nothing writes to the directory; nothing was published'},
  )
}
