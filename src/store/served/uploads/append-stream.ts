import type {FileHandle} from 'node:fs/promises'
import {quietly} from '../../../disk/error-answers.js'
import {localIoError} from '../../../disk/local-io-error.js'
import type {ByteStream} from '../../content-store.js'
import type {LiveUpload} from './live-upload.js'

/** How much may wait in memory for the thread pool to write it. */
const mostWaiting = 1024 * 1024

/**
 * Adds what a stream holds to the file of an upload. While the thread pool writes, this thread
 * takes and hashes what comes next, and all that has come meanwhile is written at once: nothing
 * waits for more, and a fast client costs few writes. What arrived before a failure is kept.
 */
export async function appendStream(
  stream: ByteStream,
  {handle, path, upload, onGrowth}: AppendTarget,
): Promise<void> {
  const waiting: Uint8Array[] = []
  let size = 0
  let writing: Promise<void> | undefined
  const failures: unknown[] = []
  const writeWaiting = async (): Promise<void> => {
    while (waiting.length > 0) {
      size = 0
      await write(waiting.splice(0), {handle, path, upload})
      await onGrowth()
    }
    writing = undefined
  }
  try {
    for await (const chunk of stream) {
      upload.hash?.update(chunk)
      waiting.push(chunk)
      size += chunk.length
      writing ??= writeWaiting()
      // awaited below; until then a failure waits
      writing.catch((error: unknown) => failures.push(error))
      if (size >= mostWaiting || failures.length > 0) await writing
    }
  } finally {
    await writing
  }
}

interface AppendTarget {
  readonly handle: FileHandle
  readonly path: string
  readonly upload: LiveUpload
  readonly onGrowth: () => Promise<void>
}

async function write(
  chunks: readonly Uint8Array[],
  target: Omit<AppendTarget, 'onGrowth'>,
): Promise<void> {
  const {handle, path, upload} = target
  let rest = chunks
  try {
    while (rest.length > 0) {
      const {bytesWritten} = await handle.writev(rest, upload.size)
      upload.size += bytesWritten
      rest = withoutFirst(rest, bytesWritten)
    }
  } catch (error) {
    // the hash is ahead of the file, and behind its end may be a part of what failed
    upload.hash = undefined
    await quietly(handle.truncate(upload.size))
    throw localIoError(error, 'write', path)
  }
}

/** What is left when the system has taken `count` bytes. */
function withoutFirst(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let left = count
  for (const [at, chunk] of chunks.entries()) {
    if (left < chunk.length) return [chunk.subarray(left), ...chunks.slice(at + 1)]
    left -= chunk.length
  }
  return []
}
