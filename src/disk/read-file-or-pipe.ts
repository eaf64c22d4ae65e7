import {closeSync, constants, fstatSync, openSync, readSync, statSync} from 'node:fs'
import {setTimeout as sleep} from 'node:timers/promises'
import {monotonicTime} from './clock.js'

/** A pipe may have a writer that never comes, or never ends. */
const patienceMs = 5000
const pauseMs = 20

/**
 * The bytes of a file, or of a pipe (`<(…)`) whose writer ends within 5 s. Throws what the system
 * says, and an `Error` with only the reason for more than `limit` bytes, for a pipe that stays
 * silent, and for what is neither.
 */
export async function readFileOrPipe(path: string, limit: number): Promise<Buffer> {
  const reading = read(path, limit)
  for (;;) {
    const {done, value} = reading.next()
    if (done) return value
    await sleep(value)
  }
}

/** The same for those who cannot wait but by standing still. */
export function readFileOrPipeSync(path: string, limit: number): Buffer {
  const reading = read(path, limit)
  for (;;) {
    const {done, value} = reading.next()
    if (done) return value
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, value)
  }
}

/** Yields milliseconds to wait. */
function* read(path: string, limit: number): Generator<number, Buffer, void> {
  // without O_NONBLOCK, opening a FIFO waits for its writer, and nothing can end that
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = fstatSync(file)
    const isPipe = stats.isFIFO()
    // /dev/null, or a link to it, is the usual empty file
    const isEmpty = stats.isCharacterDevice() && stats.rdev === statSync('/dev/null').rdev
    if (!stats.isFile() && !isPipe && !isEmpty && !stats.isDirectory()) {
      throw new Error('it is neither a file nor a pipe')
    }
    const chunks: Buffer[] = []
    let size = 0
    const end = monotonicTime() + patienceMs
    for (;;) {
      const chunk = Buffer.alloc(64 * 1024)
      const got = readNow(file, chunk)
      // before the writer has come, a pipe looks like one that has ended
      const isEarly = got === undefined || (got === 0 && isPipe && size === 0)
      if (got !== undefined) {
        if (got === 0 && !isEarly) return Buffer.concat(chunks)
        chunks.push(chunk.subarray(0, got))
        size += got
        if (size > limit) throw new Error(`larger than ${limit} bytes`)
      }
      if (monotonicTime() > end && isPipe) {
        throw new Error(`nothing ended the pipe within ${patienceMs / 1000} s`)
      }
      if (isEarly) yield pauseMs
    }
  } finally {
    closeSync(file)
  }
}

/** `undefined`: nothing there yet. */
function readNow(file: number, chunk: Buffer): number | undefined {
  try {
    return readSync(file, chunk)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined
    throw error
  }
}
