import {UsageError} from '../../errors.js'
import {readAll} from '../../stream/limit.js'

export interface CredentialFlags {
  readonly username?: string | undefined
  readonly 'password-stdin': boolean
}

const longestPassword = 64 * 1024

/**
 * From `--username` with `--password-stdin`, else from the environment; `undefined` when neither
 * says anything. `stdin` is asked for only where a password is read from it: to open it takes time.
 */
export async function explicitCredentials(
  flags: CredentialFlags,
  env: Readonly<Record<string, string | undefined>>,
  stdin: () => AsyncIterable<Uint8Array>,
): Promise<{username: string; password: string} | undefined> {
  const username = flags.username ?? (env['INJECT_USERNAME'] || undefined)
  if (flags['password-stdin']) {
    if (!username)
      throw new UsageError('ERR_INJECT_NO_USERNAME', 'a password without a user name', {
        hint: 'use --username NAME',
      })
    return {username, password: await readPassword(stdin())}
  }
  const password = environmentPassword(username, env)
  if (username && password) return {username, password}
  if (!username && !password) return undefined
  throw new UsageError(
    'ERR_INJECT_HALF_CREDENTIALS',
    username
      ? `a user name without a password${env['INJECT_PASSWORD'] ? ': INJECT_PASSWORD is that of INJECT_USERNAME' : ''}`
      : 'INJECT_PASSWORD is set without a user name',
    {
      hint: username
        ? 'give the password by --password-stdin or INJECT_PASSWORD'
        : 'set INJECT_USERNAME or use --username NAME',
    },
  )
}

/**
 * The password that the environment has for this user: where it names a user, it is theirs and
 * nobody else's.
 */
export function environmentPassword(
  username: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const owner = env['INJECT_USERNAME'] || username
  return owner === username ? env['INJECT_PASSWORD'] || undefined : undefined
}

/** All of standard input but the line break at its end. */
export async function readPassword(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const bytes = await readAll(stdin, longestPassword, 'the password')
  const password = Buffer.from(bytes)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (password !== '') return password
  throw new UsageError('ERR_INJECT_NO_PASSWORD', 'there is no password on standard input', {
    hint: 'pipe it in, or drop --password-stdin',
  })
}

/** Whom flags or environment name, without the password. Throws as `explicitCredentials` does. */
export async function givenUser(
  flags: CredentialFlags,
  env: Readonly<Record<string, string | undefined>>,
  stdin: () => AsyncIterable<Uint8Array>,
): Promise<{username: string; from: 'flags' | 'environment'} | undefined> {
  const given = await explicitCredentials(flags, env, stdin)
  const from = flags['password-stdin'] ? 'flags' : 'environment'
  return given && {username: given.username, from}
}
