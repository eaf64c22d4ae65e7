import {writeSync} from 'node:fs'

/** Writes all of `bytes` at `position`: the system may take fewer at once. Errors are its own. */
export function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;)
    at += writeSync(descriptor, bytes, at, bytes.length - at, position + at)
}
