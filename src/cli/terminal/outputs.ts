import {errorLine} from './error-line.js'
import {LocalIoError} from '../../errors.js'

/**
 * Keeps a run alive, and its cleaning up done, when nobody takes what it says: stderr that fails is
 * not written to any more. stdout that fails is an error, since the result is lost; a reader that
 * closed the pipe had enough.
 */
export function guardOutputs({stdout, stderr}: Pick<NodeJS.Process, 'stdout' | 'stderr'>): void {
  stderr.on('error', () => {
    silent.add(stderr)
  })
  // oclif's own listener throws whatever is not EPIPE, past every handler
  stdout.removeAllListeners('error')
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    process.exitCode = 9
    const lost = new LocalIoError(
      'ERR_INJECT_LOCAL_IO',
      `cannot write the result to standard output: ${error.code ?? error.message}`,
    )
    writeTo(stderr, `inject: ${errorLine(lost)}\n`)
  })
}

const silent = new WeakSet<NodeJS.WriteStream>()

/** Writes unless that has failed before. */
export function writeTo(stream: NodeJS.WriteStream, text: string): void {
  if (silent.has(stream)) return
  try {
    stream.write(text)
  } catch {
    silent.add(stream)
  }
}
