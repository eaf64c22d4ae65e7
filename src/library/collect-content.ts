import {tooLarge} from '../stream/limit.js'

/** The largest file that is given in one piece. */
const largest = 64 * 1024 * 1024

/**
 * Where the content of a file goes: to the caller's `write`, or else into one piece. Writing throws
 * `LimitError` when that is larger than 64 MiB.
 */
export function collectContent(write: ((bytes: Uint8Array) => Promise<void> | void) | undefined): {
  readonly write: (bytes: Uint8Array) => Promise<void> | void
  /** Empty if the caller's `write` got it. */
  readonly collected: () => {readonly content?: Uint8Array}
} {
  if (write) return {write, collected: () => ({})}
  const parts: Buffer[] = []
  let size = 0
  return {
    write(bytes) {
      size += bytes.length
      if (size > largest) throw tooLarge('the file', largest)
      parts.push(Buffer.from(bytes))
    },
    collected: () => ({content: Buffer.concat(parts)}),
  }
}
