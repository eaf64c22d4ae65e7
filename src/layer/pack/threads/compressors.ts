import type {ResourceLimits, Worker} from 'node:worker_threads'
import {ringBell} from '../../bell.js'
import type {BlockUse, SharedBlocks} from '../../compress/block-access.js'
import type {BlockCodec} from '../../compress/codec.js'
import type {Ring} from './ring.js'

/** One tar, as the threads that compress get it. */
export interface CompressTask {
  /** The cache, if there is one. */
  readonly shared: SharedBlocks | undefined
  /** Stands for the compression in its keys. */
  readonly kind: number
}

/** The threads that compress the blocks of a ring: how many there are is decided here. */
export interface Compressors {
  /**
   * Gives the next tar to as many as are wanted, `least` or more; to fewer if no more can be
   * started.
   */
  begin(task: CompressTask, least: 0 | 1): void
  /**
   * Counts bytes of tar that were taken from the ring, which was full then or not; starts more
   * threads when too many of them came late.
   */
  count(tarBytes: number, wasFull: boolean): void
  /** How many have the tar; 0 where the caller compresses. */
  busy(): number
  /** Whether all of those have told what they used of the cache. */
  haveTold(): boolean
  /** What they used; once. */
  takeUses(): readonly BlockUse[]
  /** Whether there is one, or can be. */
  canCompress(): boolean
}

export interface CompressorsOptions {
  readonly codec: BlockCodec
  readonly ring: Ring
  /** Bytes: see `usualPatience`. */
  readonly patience: number
  readonly start: (script: string, workerData: object, limits: ResourceLimits) => Worker
}

/** Threads that compress, at most: hashing is slower than so many. */
export const mostCompressors = 16

/**
 * Bytes of tar that came when the ring was full before more threads compress, less those that came
 * when it was not. One is about as fast as the thread that reads small files.
 */
export const usualPatience = 64 * 1024 * 1024

/** Their heaps hold little. */
const resourceLimits: ResourceLimits = {maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64}

/** None yet. */
export function createCompressors({codec, ring, patience, start}: CompressorsOptions): Compressors {
  const most = ring.shape.compressors
  const {name} = codec
  const module = codec.module()
  const workers: Worker[] = []
  const uses: BlockUse[] = []
  let task: CompressTask | undefined
  let busy = 0
  let wanted = 0
  /** How far they have fallen behind, in bytes. */
  let waited = 0

  return {
    begin(next, least) {
      task = next
      busy = 0
      wanted = Math.max(wanted, least)
      employ()
    },
    count(tarBytes, wasFull) {
      waited = wasFull ? waited + tarBytes : Math.max(0, waited - tarBytes)
      if (waited <= patience || wanted >= most) return
      waited = 0
      wanted = Math.min(Math.max(1, 2 * wanted), most)
      employ()
    },
    busy: () => busy,
    haveTold: () => uses.length === busy,
    takeUses: () => uses.splice(0),
    canCompress() {
      try {
        if (workers.length === 0) startOne()
        return true
      } catch {
        return false
      }
    },
  }

  /** Gives the tar to those that are wanted; to fewer if no more can be started. */
  function employ(): void {
    try {
      while (workers.length < wanted) startOne()
    } catch {
      // fewer threads come to the same bytes, and so does the caller
    }
    for (const worker of workers.slice(busy, wanted)) worker.postMessage(task)
    busy = Math.min(workers.length, wanted)
  }

  function startOne(): void {
    const number = workers.length
    const worker = start('compress-worker.js', {ring, name, module, number}, resourceLimits)
    worker.on('message', (use: BlockUse) => {
      uses.push(use)
      ringBell(ring)
    })
    workers.push(worker)
  }
}
