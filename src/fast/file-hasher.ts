import type {DigestAlgorithm} from '../oci/digest.js'
import {createWorkerPool} from '../stream/worker-pool.js'

/** What a file was when it was read. */
export interface FileHash {
  readonly hex: string
  readonly size: number
}

/** Hashes files, several at once, in threads that start when there is something to do. */
export interface FileHasher {
  /**
   * Rejects with the system's error for a file that cannot be read, and with the signal's reason.
   */
  hash(path: string, algorithm: DigestAlgorithm, signal: AbortSignal): Promise<FileHash>
  close(): Promise<void>
}

interface HashJob {
  readonly path: string
  readonly algorithm: DigestAlgorithm
}

/** At most `threads` threads. One that dies fails all that wait. */
export function createFileHasher(threads: number): FileHasher {
  const script = new URL('file-hash.js', import.meta.url)
  const pool = createWorkerPool<HashJob, FileHash>(script, threads)
  return {
    hash: (path, algorithm, signal) => pool.run({path, algorithm}, {signal}),
    close: () => pool.close(),
  }
}
