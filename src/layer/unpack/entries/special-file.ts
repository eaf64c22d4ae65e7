import {unlinkSync} from 'node:fs'
import {execaSync} from 'execa'
import {errnoOf} from '../../../disk/local-io-error.js'
import {LocalIoError} from '../../../errors.js'
import type {Entry} from '../../entry.js'

export type SpecialEntry = Entry & {
  readonly kind: 'fifo' | 'character-device' | 'block-device'
}

export function isSpecial(entry: Entry): entry is SpecialEntry {
  return entry.kind === 'fifo' || entry.kind === 'character-device' || entry.kind === 'block-device'
}

/**
 * Makes special files. Node cannot, so coreutils do: for FIFOs, one process makes many, each of
 * them twice as many as the one before.
 */
export interface SpecialFiles {
  /**
   * The name (ASCII, one of ours) of a new one of mode 0600 in the folder; anyone who asks takes it
   * from there. Throws `LocalIoError`.
   */
  make(entry: SpecialEntry): string
  /** Removes those that nobody asked for. */
  close(): void
}

const mostAhead = 256

/**
 * In `folder`, whose name may be any bytes: programs start there, and never see it. `at` gives the
 * path of a name in it.
 */
export function createSpecialFiles(
  folder: () => string,
  at: (name: string) => string | Buffer,
  newName: () => string,
): SpecialFiles {
  let ahead = 1
  const fifos: string[] = []
  return {
    make(entry) {
      if (entry.kind !== 'fifo') {
        const name = newName()
        run(entry, ['mknod', '-m', '600', '--', name, ...device(entry)], folder())
        return name
      }
      if (fifos.length === 0) {
        const names = Array.from({length: ahead}, newName)
        // known before they are there, so that those of a program that failed go, too
        fifos.push(...names)
        run(entry, ['mkfifo', '-m', '600', '--', ...names], folder())
        ahead = Math.min(2 * ahead, mostAhead)
      }
      return fifos.pop() ?? ''
    },
    close() {
      for (const name of fifos.splice(0)) unlinkIfThere(at(name))
    },
  }
}

function device(entry: Exclude<SpecialEntry, {kind: 'fifo'}>): string[] {
  const letter = entry.kind === 'block-device' ? 'b' : 'c'
  return [letter, String(entry.major), String(entry.minor)]
}

function unlinkIfThere(path: string | Buffer): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}

function run({kind}: SpecialEntry, words: readonly [string, ...string[]], cwd: string): void {
  const [command, ...rest] = words
  const {failed, stderr, code} = execaSync(command, rest, {
    cwd,
    reject: false,
    timeout: 10_000,
    env: {LC_ALL: 'C'},
    stdin: 'ignore',
  })
  if (!failed) return
  const reason = stderr.trim().split('\n').at(-1)?.split(': ').at(-1) ?? ''
  throw new LocalIoError(
    'ERR_INJECT_LOCAL_IO',
    `cannot make a ${kind.replace('-', ' ')}: ${reason === '' ? (code ?? `${command} failed`) : reason}`,
    {
      hint:
        code === 'ENOENT'
          ? `install coreutils, which have ${command}`
          : 'run as root to make devices',
    },
  )
}
