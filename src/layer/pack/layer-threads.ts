import type {BlockCodec} from '../compress/codec.js'
import type {PackThreads} from './threads/pack-threads.js'
import type {HashCall, ReaderHeap, TarSum} from './threads/reader.js'
import type {Readers} from './threads/readers.js'
import type {HeldContent} from './threads/held-content.js'

/** Threads for many layers, started when the first one needs them. */
export interface LayerThreads {
  /** Layers that are hashed at once, at most; 0 without threads. */
  readonly mostHashed: number
  /**
   * Threads that nobody else uses, for a layer of at least so many bytes; `undefined` if there can
   * be none, or if all layers so far are too small together for threads to be worth their start.
   */
  take(codec: BlockCodec, bytes: number): Promise<PackThreads | undefined>
  /**
   * Starts what `take` gives for a layer of so many bytes, which comes next: so that the threads
   * start while it is found.
   */
  prepare(codec: BlockCodec, bytes: number): Promise<void>
  /** For the next layer, unless they have ended. */
  giveBack(threads: PackThreads): Promise<void>
  /** What the tar of rows comes to; `undefined` as from `take`. Throws as `hash` of `Reader`. */
  hash(content: HeldContent, call?: HashCall): Promise<TarSum | undefined>
  /**
   * Starts those that hash at once, if layers of so many compressed bytes, which will probably be
   * hashed, are worth it.
   */
  expect(bytes: number): Promise<void>
  /** Ends those that nobody uses, and the others as soon as they are given back. */
  close(): Promise<void>
}

/** Bytes of all layers below which threads are not worth their start. */
export const smallLayers = 12 * 1024 * 1024

/** Compressed bytes of all layers that are worth all threads. */
const largeLayers = 32 * 1024 * 1024

/** Threads that hash, at most: the one that finds the layers is not faster than five. */
const mostReaders = 4

/**
 * Of `jobs` threads that compress, and about as many that hash: none for one job. `heap`: whether
 * they walk, or get what is in a layer from this thread.
 */
export function layerThreads(jobs: number, heap: ReaderHeap = 'walk'): LayerThreads {
  const mostHashed = jobs > 1 ? Math.min(jobs, mostReaders) : 0
  let readers: Readers | undefined
  let idle: PackThreads | undefined
  let isClosed = false
  let packed = 0
  let hashed = 0
  return {
    mostHashed,
    async take(codec, bytes) {
      packed += bytes
      if (packed < smallLayers || jobs <= 1) return undefined
      const threads = await takeIdle(codec)
      if (threads.canWork()) return threads
      await threads.close()
      return undefined
    },
    async prepare(codec, bytes) {
      if (packed + bytes < smallLayers || jobs <= 1 || idle) return
      idle = await takeIdle(codec)
      idle.canWork()
    },
    async giveBack(threads) {
      if (isClosed || idle) await threads.close()
      else if (!threads.hasEnded()) idle = threads
    },
    async hash(content, call) {
      hashed += content.rows.tarBytes
      if (hashed < smallLayers || jobs <= 1) return undefined
      return (await load()).hash(content, call)
    },
    async expect(bytes) {
      if (bytes < largeLayers || jobs <= 1) return
      hashed += smallLayers
      ;(await load()).startAll()
    },
    async close() {
      isClosed = true
      await Promise.all([idle?.close(), readers?.close()])
      idle = undefined
    },
  }

  async function takeIdle(codec: BlockCodec): Promise<PackThreads> {
    const taken = idle
    idle = undefined
    if (taken?.codec === codec && !taken.hasEnded()) return taken
    await taken?.close()
    const {createPackThreads} = await import('./threads/pack-threads.js')
    return createPackThreads({jobs, codec, readers: await load(), isOfMany: heap === 'rows'})
  }

  async function load(): Promise<Readers> {
    const {createReaders} = await import('./threads/readers.js')
    return (readers ??= createReaders(mostHashed, heap))
  }
}
