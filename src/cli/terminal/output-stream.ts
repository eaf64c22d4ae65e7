import {localIoError} from '../../disk/local-io-error.js'
import {UsageError} from '../../errors.js'

/**
 * Standard output for bytes that are not text: each write ends when the reader has taken it, so
 * that nothing piles up. Throws `UsageError` (`ERR_INJECT_OUTPUT_TERMINAL`) for a terminal; a write
 * throws `LocalIoError`, also when the reader has closed it.
 */
export function standardOutput(
  stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>,
): (bytes: Uint8Array) => Promise<void> {
  if (stdout.isTTY) {
    throw new UsageError('ERR_INJECT_OUTPUT_TERMINAL', 'standard output is a terminal', {
      hint: 'pipe it into docker load, or write to a file: -o FILE',
    })
  }
  return (bytes) =>
    new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => {
        if (error) reject(localIoError(error, 'write', 'standard output'))
        else resolve()
      })
    })
}
