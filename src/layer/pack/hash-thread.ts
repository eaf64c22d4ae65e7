import {parseDigest} from '../../oci/digest.js'
import {startThread} from '../../program/program-file.js'
import type {BlockHash} from './block-hash.js'

/** Blocks that may wait to be hashed: enough for the time that a thread takes to start. */
const places = 8

/** Milliseconds that a block may take: a thread that died must not be waited for. */
const patience = 60_000

/** Of the digest that is asked for. */
interface Waiting {
  readonly resolve: (digest: string) => void
  readonly reject: (error: Error) => void
}

/**
 * Hashes in a thread of its own while this one reads, which is synchronous: so they share memory,
 * and send no messages. Blocks have at most `blockSize` bytes. Starting it takes some 20 ms of
 * another processor, and 10 MiB. Throws when the thread cannot be started; when it dies, `room` or
 * `digest` do.
 */
export function startHashThread(blockSize: number): BlockHash {
  const ring = new SharedArrayBuffer(places * blockSize)
  const rooms = Array.from({length: places}, (_, at) =>
    Buffer.from(ring, at * blockSize, blockSize),
  )
  const turns = new Int32Array(new SharedArrayBuffer((2 + places) * Int32Array.BYTES_PER_ELEMENT))
  const worker = startThread(new URL('hash-worker.js', import.meta.url), {
    workerData: {ring, turns, places, blockSize},
    resourceLimits: {maxYoungGenerationSizeMb: 1, stackSizeMb: 1},
    env: {},
  })
  let failure: Error | undefined
  let waiting: Waiting | undefined
  worker.on('message', (digest: string) => waiting?.resolve(digest))
  worker.once('error', fail)
  worker.once('exit', () => fail(new Error('the thread that hashes has ended')))
  let added = 0

  return {
    room,
    update(block) {
      add(block.length)
      // to wake a thread takes a tenth of a millisecond: once for four blocks
      if (added % 4 === 0) Atomics.notify(turns, 0)
    },
    digest: async () => {
      if (failure) throw failure
      room()
      add(-1)
      Atomics.notify(turns, 0)
      const hex = await new Promise<string>((resolve, reject) => {
        waiting = {resolve, reject}
      })
      return parseDigest(`sha256:${hex}`)
    },
    close: async () => {
      await worker.terminate()
    },
  }

  function fail(error: Error): void {
    failure ??= error
    waiting?.reject(failure)
  }

  function room(): Buffer {
    for (;;) {
      const hashed = Atomics.load(turns, 1)
      if (hashed > added - places) return rooms[added % places] as Buffer
      wait(hashed)
    }
  }

  function add(length: number): void {
    Atomics.store(turns, 2 + (added % places), length)
    added++
    Atomics.store(turns, 0, added)
  }

  /** Until more than so many are hashed. */
  function wait(hashed: number): void {
    Atomics.notify(turns, 0)
    if (Atomics.wait(turns, 1, hashed, patience) === 'timed-out')
      throw new Error(`the thread that hashes has done nothing for ${patience / 1000} s`)
  }
}
