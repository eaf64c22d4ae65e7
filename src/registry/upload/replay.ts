import type {BlobInfo} from '../../oci/descriptor.js'
import type {BlobSource, CallOptions} from '../../store/content-store.js'
import type {Checkpoint} from '../../store/upload-journal.js'
import {createLimiter} from '../../stream/limiter.js'
import {changed, createRehash} from './rehash.js'
import {createRing, createSpareMemory, largestSlice, type SpareMemory} from './ring.js'
import {createSourceSlices} from './source-slices.js'

/**
 * A source that is read once if all goes well, and of which any part can be read again: the last
 * bytes are kept in memory, and for earlier ones the source is opened again and read up to there.
 * It must then give the same bytes: throws `LocalIoError` (`ERR_INJECT_SOURCE_CHANGED`) when it
 * does not.
 */
export interface Replay {
  /** The highest offset that was read. */
  readonly furthest: number
  /** The last offset with a kept digest. */
  readonly checkpoint: Checkpoint | undefined
  /**
   * The bytes from `offset` to the end, each chunk valid until the next one. Leaving it early does
   * not close the source.
   */
  stream(offset: number): AsyncGenerator<Uint8Array, void, undefined>
  /** `length` bytes from `offset`, fewer only at the end; valid until the next call. */
  read(offset: number, length: number): Promise<Uint8Array[]>
  /** Digest and size of the whole; reads to the end first if needed. */
  measure(): Promise<BlobInfo>
  /** Sets the expected digest of the source up to this offset. Replaces all earlier knowledge. */
  expect(checkpoint: Checkpoint | undefined): void
  /** Closes the source. */
  close(): Promise<void>
  /**
   * Gives its memory to the next replay: once nobody sends anything of it any more. What is read
   * after that is read again.
   */
  release(): void
}

/**
 * Keeps `capacity` bytes, or more if one `read` asks for more; allocates nothing before the first
 * byte is read.
 */
export function createReplay(
  source: BlobSource,
  capacity: number,
  {spare = createSpareMemory(), ...call}: CallOptions & {readonly spare?: SpareMemory},
): Replay {
  const slices = createSourceSlices(source, largestSlice, call)
  const hashed = createRehash()
  let ring = createRing(capacity, spare)
  /** `torn`: the last bytes are not in both the ring and the hash. */
  let state: 'reading' | 'torn' | 'at end' = 'reading'
  /** One reader after the other: a failed request may still be waiting for its next bytes. */
  const turns = createLimiter(1)

  return {
    get furthest() {
      return hashed.furthest
    },
    get checkpoint() {
      return hashed.checkpoint
    },
    async *stream(offset) {
      for (let at = offset; ;) {
        const bytes = await turns.run(() => available(at))
        if (!bytes) return
        at += bytes.length
        yield bytes
      }
    },
    read: (offset, length) =>
      turns.run(async () => {
        if (length > ring.capacity) await grow(length)
        await reach(offset + length, offset)
        const end = Math.min(offset + length, hashed.position)
        const parts: Uint8Array[] = []
        for (let at = offset; at < end;) {
          const part = ring.view(at, end)
          parts.push(part)
          at += part.length
        }
        return parts
      }),
    measure: () =>
      turns.run(async () => {
        while (!hashed.whole) await advance()
        return hashed.whole
      }),
    expect: (checkpoint) => hashed.expect(checkpoint),
    close: () => turns.run(() => slices.close()),
    release() {
      ring.release()
      state = 'torn'
    },
  }

  async function available(at: number): Promise<Uint8Array | undefined> {
    await reach(at + 1, at)
    const end = Math.min(hashed.position, at + largestSlice)
    return at < end ? ring.view(at, end) : undefined
  }

  /**
   * Reads on until `end`, or the source's end; from its beginning if the kept bytes start after
   * `start`.
   */
  async function reach(end: number, start: number): Promise<void> {
    if (start < ring.oldest || state === 'torn') await startAgain()
    while (hashed.position < end && state !== 'at end') await advance()
    if (start > hashed.position) throw changed(start)
  }

  /** Drops the kept bytes; only for registries that need unusually large chunks. */
  async function grow(length: number): Promise<void> {
    ring = createRing(length, spare)
    await startAgain()
  }

  async function startAgain(): Promise<void> {
    await slices.close()
    hashed.restart()
    ring.clear()
    state = 'reading'
  }

  async function advance(): Promise<void> {
    const slice = await slices.next()
    if (slice === undefined) {
      hashed.finish()
      state = 'at end'
      return
    }
    state = 'torn'
    ring.put(slice)
    hashed.update(slice)
    state = 'reading'
  }
}
