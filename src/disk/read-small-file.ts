import {InjectError, LocalIoError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import {localIoError} from './local-io-error.js'
import {readFileOrPipe} from './read-file-or-pipe.js'

/** Bytes. */
const largest = 1024 * 1024

/**
 * The text of a file or pipe of at most 1 MiB that the user named. Throws `LocalIoError`, which
 * repeats nothing of it.
 */
export async function readSmallFile(path: string): Promise<string> {
  try {
    return (await readFileOrPipe(path, largest)).toString('utf8')
  } catch (error) {
    const known = localIoError(error, 'read', path)
    if (known instanceof InjectError) throw known
    const message = `cannot read ${quoted(path)}: ${known.message}`
    throw new LocalIoError('ERR_INJECT_LOCAL_IO', message)
  }
}
