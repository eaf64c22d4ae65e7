import {Args} from '@oclif/core'
import {UsageError} from '../../errors.js'
import {parseRegistryName} from '../../registry/credentials/registry-name.js'
import {writeTo} from './outputs.js'
import type {Console} from './prompt.js'

/** What `login` and `logout` work on. */
export const registryArg = Args.custom({
  ignoreStdin: true, // oclif would take a piped password for it
  description: 'HOST[:PORT]; docker.io is Docker Hub.',
})

/** What to log out of; `undefined`: all. Throws `UsageError` unless one of the two was said. */
export function chosenRegistry(registry: string | undefined, all: boolean): string | undefined {
  if ((registry === undefined) === all) return registry && parseRegistryName(registry)
  throw new UsageError('ERR_INJECT_USAGE', 'say one REGISTRY to log out of, or --all')
}

/** Where a person can be asked. Questions go to stderr, since stdout is for results. */
export function terminalConsole(): Console {
  return {
    input: process.stdin,
    write: (text) => writeTo(process.stderr, text),
    interrupt: () => process.kill(process.pid, 'SIGINT'),
  }
}
