import {type ChildProcess, spawn} from 'node:child_process'
import {once} from 'node:events'
import {createInterface} from 'node:readline'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {inject as provided, onTestFinished} from 'vitest'

export const programPath = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

export interface ServeCommand {
  readonly child: ChildProcess
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** What came on stderr so far. */
  readonly log: () => string
  /** SIGTERM, and its exit code. */
  readonly end: () => Promise<number | null>
}

/**
 * The built `inject serve ROOT` on loopback, when it says that it is ready; as another user where
 * `uid` is given. Rejects with what it said when it ends before.
 */
export async function serveCommand(
  root: string,
  flags: readonly string[] = [],
  {uid}: {readonly uid?: number} = {},
): Promise<ServeCommand> {
  const run = uid === undefined ? programPath : join(provided('reachable'), 'bin/run.js')
  const args = [run, 'serve', root, '--listen', '127.0.0.1:0', ...flags]
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: '/',
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: '/nonexistent',
      NODE_COMPILE_CACHE: provided('codeCache'),
    },
    ...(uid !== undefined && {uid, gid: uid}),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = once(child, 'exit') as Promise<[number | null]>
  const lines = createInterface({input: child.stdout})
  const first = await Promise.race([once(lines, 'line') as Promise<[string]>, exited])
  if (typeof first[0] !== 'string') throw new Error(`it ended with ${first[0]}: ${log}`)
  return {
    child,
    address: new URL(first[0]).host,
    log: () => log,
    async end() {
      child.kill('SIGTERM')
      return (await exited)[0]
    },
  }
}
