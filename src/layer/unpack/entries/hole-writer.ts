import {ftruncateSync} from 'node:fs'
import {writeAll} from '../../../disk/write-all.js'

/** Bytes: shorter runs of zeros are written, so that a file does not fall into pieces. */
const shortestHole = 64 * 1024
/** Bytes that are looked at together: what most file systems have as a block. */
const step = 4096
const zeros = Buffer.alloc(step)

/** Writes the content of one file from its start. */
export interface HoleWriter {
  write(bytes: Uint8Array): void
  /** As `write` of so many zeros. */
  skip(zeros: number): void
  /** Nothing more of it comes: the file has its whole size. */
  end(): void
}

/**
 * Leaves runs of zeros of 64 KiB and more out of a new, empty file: it has the same content, and
 * takes no space for them. With `holes: false` everything is written.
 */
export function createHoleWriter(descriptor: number, {holes}: {holes: boolean}): HoleWriter {
  let position = 0
  /** Zeros before `position` that are not written yet. */
  let pending = 0

  return {
    write(bytes) {
      if (!holes) {
        put(bytes)
        return
      }
      for (let at = 0; at < bytes.length;) {
        const [end, isZero] = nextRun(bytes, at)
        if (isZero) pending += end - at
        else {
          settle()
          put(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end))
        }
        at = end
      }
    },
    skip(count) {
      pending += count
      if (!holes) settle()
    },
    end() {
      if (pending >= shortestHole) ftruncateSync(descriptor, position + pending)
      else settle()
      pending = 0
    },
  }

  /** Writes a run of zeros that is too short for a hole, and passes over a longer one. */
  function settle(): void {
    if (holes && pending >= shortestHole) position += pending
    else
      for (let left = pending; left > 0; left -= step) put(zeros.subarray(0, Math.min(left, step)))
    pending = 0
  }

  function put(bytes: Uint8Array): void {
    writeAll(descriptor, bytes, position)
    position += bytes.length
  }
}

/** Up to where all is zeros from `at` on, or up to where none of the pieces is. */
function nextRun(bytes: Uint8Array, at: number): readonly [end: number, isZero: boolean] {
  let end = at
  let kind: boolean | undefined
  while (end < bytes.length) {
    const next = Math.min(end + step, bytes.length)
    const isZero = isZeros(bytes, end, next)
    kind ??= isZero
    if (isZero !== kind) break
    end = next
  }
  return [end, kind ?? false]
}

function isZeros(bytes: Uint8Array, from: number, to: number): boolean {
  // most pieces show it at once, and a view of each would be more work than looking
  if (bytes[from] !== 0 || bytes[to - 1] !== 0) return false
  return Buffer.compare(bytes.subarray(from, to), zeros.subarray(0, to - from)) === 0
}
