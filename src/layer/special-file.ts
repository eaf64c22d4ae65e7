import {execaSync} from 'execa'
import {LocalIoError} from '../errors.js'
import type {Entry} from './entry.js'

export type SpecialEntry = Entry & {
  readonly kind: 'fifo' | 'character-device' | 'block-device'
}

/**
 * Makes a FIFO or a device node named `name` (ASCII, one name) in `folder`, mode 0600. Node cannot, so coreutils do. Throws `LocalIoError`.
 */
export function makeSpecialFile(entry: SpecialEntry, folder: string, name: string): void {
  const [command, ...rest] = commandFor(entry, name)
  // the folder may be known by bytes that are no text: the child starts there and never sees its name
  const {failed, stderr, code} = execaSync(command, rest, {
    cwd: folder,
    reject: false,
    timeout: 10_000,
    env: {LC_ALL: 'C'},
    stdin: 'ignore',
  })
  if (!failed) return
  const reason = stderr.trim().split('\n').at(-1)?.split(': ').at(-1) ?? ''
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `cannot make a ${entry.kind.replace('-', ' ')}: ${reason === '' ? (code ?? `${command} failed`) : reason}`,
    {
      hint:
        code === 'ENOENT'
          ? `install coreutils, which have ${command}`
          : 'run as root to make devices',
    },
  )
}

function commandFor(entry: SpecialEntry, name: string): [string, ...string[]] {
  const head = ['-m', '600', '--', name]
  if (entry.kind === 'fifo') return ['mkfifo', ...head]
  const letter = entry.kind === 'block-device' ? 'b' : 'c'
  return ['mknod', ...head, letter, String(entry.major), String(entry.minor)]
}
