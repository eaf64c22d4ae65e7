import {accessSync, constants} from 'node:fs'
import {localIoError} from '../disk/local-io-error.js'
import {AuthenticationError, UsageError} from '../errors.js'
import type {Ports} from '../operations/ports.js'
import {readAll} from '../stream/limit.js'

export interface StoreFlags {
  readonly username?: string | undefined
  readonly 'password-stdin': boolean
  readonly authfile?: string | undefined
  readonly 'plain-http': boolean
}

const longestPassword = 64 * 1024

/**
 * How an operation gets at the repository that a reference names, with the credentials that flags and environment give. They are looked
 * at when the first one is opened, of whatever kind: a command that needs none does not fail on them.
 */
export function storeOpener(
  flags: StoreFlags,
  {report, signal}: Pick<Ports, 'report' | 'signal'>,
): Ports['openStore'] {
  let given: ReturnType<typeof explicitCredentials> | undefined
  return async (reference, {writes}) => {
    if (flags.authfile !== undefined) checkReadable(flags.authfile)
    const credentials = await (given ??= explicitCredentials(flags, process.env, process.stdin))
    if (reference.kind === 'layout') {
      const {openLayoutStore} = await import('../store/layout-store.js')
      return openLayoutStore(reference.directory)
    }
    const {openRegistryStore} = await import('../registry/registry-store.js')
    return openRegistryStore(reference, {
      credentials,
      authFile: flags.authfile,
      plainHttp: flags['plain-http'],
      writes,
      signal,
      onNotice: (message: string) => report({kind: 'notice', message}),
    })
  }
}

/** A file that is named must be there, also where no registry will ask for what is in it. */
function checkReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    const {message} = localIoError(error, 'read', path)
    throw new AuthenticationError('ERR_INJECT_AUTH_FILE_UNREADABLE', message, {cause: error})
  }
}

/** From `--username` with `--password-stdin`, else from the environment; `undefined` when neither says anything. */
async function explicitCredentials(
  flags: Pick<StoreFlags, 'username' | 'password-stdin'>,
  env: Readonly<Record<string, string | undefined>>,
  stdin: AsyncIterable<Uint8Array>,
): Promise<{username: string; password: string} | undefined> {
  const username = flags.username ?? env['INJECT_USERNAME']
  if (flags['password-stdin']) {
    if (!username)
      throw new UsageError('ERR_INJECT_NO_USERNAME', 'a password without a user name', {
        hint: 'say --username NAME',
      })
    const bytes = await readAll(stdin, longestPassword, 'the password')
    const password = Buffer.from(bytes)
      .toString('utf8')
      .replace(/\r?\n$/, '')
    if (password !== '') return {username, password}
    throw new UsageError('ERR_INJECT_NO_PASSWORD', 'there is no password on standard input', {
      hint: 'pipe it in, or drop --password-stdin',
    })
  }
  const password = env['INJECT_PASSWORD']
  if (username && password) return {username, password}
  if (!username && !password) return undefined
  throw new UsageError(
    'ERR_INJECT_HALF_CREDENTIALS',
    username ? 'a user name without a password' : 'INJECT_PASSWORD is set without a user name',
    {
      hint: username
        ? 'give the password by --password-stdin or INJECT_PASSWORD'
        : 'set INJECT_USERNAME or say --username NAME',
    },
  )
}
