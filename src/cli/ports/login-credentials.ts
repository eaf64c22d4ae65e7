import {UsageError} from '../../errors.js'
import {type CredentialFlags, environmentPassword, readPassword} from './explicit-credentials.js'
import {type Console, prompt} from '../terminal/prompt.js'

/**
 * Whom to log in: from the flags and the environment, and what these leave open from the person at
 * the terminal, if there is one. Throws `UsageError` where there is none to ask, as in CI.
 */
export async function loginCredentials(
  flags: CredentialFlags,
  terminal: Console,
  {
    env,
    signal,
  }: {readonly env: Readonly<Record<string, string | undefined>>; readonly signal: AbortSignal},
): Promise<{username: string; password: string}> {
  const isAsking = terminal.input.isTTY === true && !env['CI'] && !flags['password-stdin']
  const known = flags.username ?? (env['INJECT_USERNAME'] || undefined)
  if (known === undefined && !isAsking) {
    throw new UsageError('ERR_INJECT_NO_USERNAME', 'there is no user name to log in with', {
      hint: 'use --username NAME, or set INJECT_USERNAME',
    })
  }
  const username = known ?? (await prompt(terminal, 'User name: ', {echo: true, signal}))
  if (flags['password-stdin']) return {username, password: await readPassword(terminal.input)}
  const password = environmentPassword(username, env)
  if (password) return {username, password}
  if (!isAsking) {
    throw new UsageError('ERR_INJECT_NO_PASSWORD', 'there is no password to log in with', {
      hint: 'pipe it into --password-stdin, or set INJECT_PASSWORD',
    })
  }
  const typed = await prompt(terminal, `Password of ${username}: `, {echo: false, signal})
  if (typed !== '') return {username, password: typed}
  throw new UsageError('ERR_INJECT_NO_PASSWORD', 'no password was typed')
}
