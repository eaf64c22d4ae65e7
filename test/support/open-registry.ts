import {onTestFinished} from 'vitest'
import {openRegistryStore, type RegistryStoreOptions} from '../../src/registry/registry-store.js'
import type {BlobSource, ContentStore} from '../../src/store/content-store.js'

export interface OpenedRegistry {
  readonly store: ContentStore
  /** The waits that it asked for, in milliseconds: none of them happened. */
  readonly delays: number[]
  readonly notices: string[]
}

/**
 * A client of `address` for the running test, which knows nothing of the machine's credentials and
 * never waits between two tries.
 */
export function openRegistry(
  address: string,
  {repository = 'team/app', ...options}: RegistryStoreOptions & {readonly repository?: string} = {},
): OpenedRegistry {
  const delays: number[] = []
  const notices: string[] = []
  const store = openRegistryStore(
    {registry: address, repository},
    {
      env: {},
      home: '/nonexistent',
      timeouts: {connect: 5000, response: 2000, idle: 2000},
      onNotice: (text) => notices.push(text),
      ...options,
      ports: {
        sleep: (milliseconds, signal) => {
          signal?.throwIfAborted()
          delays.push(milliseconds)
          return Promise.resolve()
        },
        random: () => 1,
        now: () => 1_800_000_000_000,
        ...options.ports,
      },
    },
  )
  onTestFinished(() => store.close())
  return {store, delays, notices}
}

/** A source of these chunks that counts how often it was opened. */
export function sourceOf(...chunks: (string | Uint8Array)[]): BlobSource & {opened: number} {
  return {
    opened: 0,
    // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
    async *open() {
      this.opened++
      for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    },
  }
}

/** Nine 1 MiB chunks: more than what is held back to learn a digest. */
export function largeChunks(): Uint8Array[] {
  return Array.from({length: 9}, (_, index) => new Uint8Array(1024 * 1024).fill(index))
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await listed(stream))
}

export async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
