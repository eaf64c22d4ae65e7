import {localIoError} from '../../disk/local-io-error.js'
import {UsageError} from '../../errors.js'

/**
 * Writes the content of a file of an image to standard output, each part when the reader has taken
 * the one before. A terminal gets only text: throws `UsageError` (`ERR_INJECT_OUTPUT_TERMINAL`) at
 * the first byte that could control it. Throws `UsageError` at once if standard output carries a
 * JSON document, and `LocalIoError` when the reader has closed it.
 */
export function contentOutput(
  stdout: Pick<NodeJS.WriteStream, 'write' | 'isTTY'>,
  isJson: boolean,
): (bytes: Uint8Array) => Promise<void> {
  if (isJson) {
    throw new UsageError(
      'ERR_INJECT_USAGE',
      'standard output cannot carry both the file and --json',
      {hint: 'leave --json out; inject ls --json describes the file'},
    )
  }
  return (bytes) => {
    if (stdout.isTTY && bytes.some(isControl)) throw unsafeForTerminal()
    return new Promise((resolve, reject) => {
      stdout.write(bytes, (error) => {
        if (error) reject(localIoError(error, 'write', 'standard output'))
        else resolve()
      })
    })
  }
}

/** Control characters, except tabs and line ends. */
function isControl(byte: number): boolean {
  return (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) || byte === 0x7f
}

function unsafeForTerminal(): UsageError {
  return new UsageError(
    'ERR_INJECT_OUTPUT_TERMINAL',
    'the file has bytes that could control the terminal',
    {hint: 'redirect standard output into a file, or pipe it into less'},
  )
}
