import {AuthenticationError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import type {Credential} from './credential.js'
import {fromPair} from './auth-file.js'
import {findHelper, runHelper, type HelperRun} from './helper-process.js'
import {registryOfKey} from './registry-name.js'
import {quoted} from '../../oci/quoted.js'

export interface HelperPorts {
  /**
   * The environment of this process; the helper gets it without the password of `inject` itself.
   */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal?: AbortSignal | undefined
  /** Milliseconds until the helper is killed; 30 s. */
  readonly timeout?: number | undefined
}

/** What helpers print, on either output, when they have nothing for a server. */
const notFound =
  /^(?:credentials not found(?: in (?:native )?keychain)?|no stored credential for \S+|the specified item could not be found in the keychain|element not found)\.?$/i

/**
 * Asks `docker-credential-NAME` for the credentials for `server`; `undefined` when it has none.
 * Throws `AuthenticationError` (`ERR_INJECT_CREDENTIAL_HELPER_REFUSED`,
 * `ERR_INJECT_CREDENTIAL_HELPER_FAILED`), which shows at most one line of the helper's output, and
 * only if the helper failed.
 * https://github.com/docker/docker-credential-helpers/blob/v0.9.3/README.md#development
 */
export async function getFromHelper(
  name: string,
  server: string,
  ports: HelperPorts,
): Promise<Credential | undefined> {
  const run = await start(name, 'get', server, ports)
  if (run.exitCode !== 0) {
    if ([run.stdout, run.stderr].some((text) => notFound.test(text.trim()))) return undefined
    throw failed(name, 'get', run)
  }
  return parseAnswer(name, server, run.stdout)
}

/** Stores a user name and a password in the helper. Throws as `getFromHelper` does. */
export async function storeWithHelper(
  name: string,
  {server, username, password}: {server: string; username: string; password: string},
  ports: HelperPorts,
): Promise<void> {
  const input = JSON.stringify({ServerURL: server, Username: username, Secret: password})
  const run = await start(name, 'store', input, ports)
  if (run.exitCode !== 0) throw failed(name, 'store', run, [password])
}

/**
 * Erases the credentials for `server`; false when there were none. Throws as `getFromHelper` does.
 */
export async function eraseFromHelper(
  name: string,
  server: string,
  ports: HelperPorts,
): Promise<boolean> {
  // most helpers do not tell whether there was something to erase
  if (!(await getFromHelper(name, server, ports))) return false
  const run = await start(name, 'erase', server, ports)
  if (run.exitCode !== 0) throw failed(name, 'erase', run)
  return true
}

async function start(
  name: string,
  verb: 'get' | 'store' | 'erase',
  input: string,
  {env, signal, timeout = 30_000}: HelperPorts,
): Promise<HelperRun> {
  // the name becomes part of a path and of messages, so only a plain word is accepted
  if (!/^(?!\.+$)[\w.-]{1,128}$/.test(name)) {
    throw new AuthenticationError(
      'ERR_INJECT_CREDENTIAL_HELPER_REFUSED',
      'a file of credentials names a credential helper by what is not a plain name; it was not run',
      {hint: 'credHelpers and credsStore hold names of letters, digits, "_", "." and "-"'},
    )
  }
  const program = `docker-credential-${name}`
  const path = await findHelper(program, env['PATH'])
  if (path === undefined) {
    throw new AuthenticationError(
      'ERR_INJECT_CREDENTIAL_HELPER_FAILED',
      `the credential helper ${program} is not on PATH, or is not a program`,
      {hint: 'install it, or take it out of the file of credentials'},
    )
  }
  const run = await runHelper(path, verb, input, {env, signal, timeout})
  signal?.throwIfAborted()
  return run
}

function failed(
  name: string,
  verb: string,
  {exitCode, problem, stdout, stderr}: HelperRun,
  secrets: readonly string[] = [],
): AuthenticationError {
  // helpers built on docker's library print their error on standard output
  const said = spokenWords(stderr, secrets) || (exitCode ? sentence(stdout, secrets) : '')
  const how = problem ?? `exited with ${exitCode}`
  return new AuthenticationError(
    'ERR_INJECT_CREDENTIAL_HELPER_FAILED',
    `the credential helper docker-credential-${name} ${how} on ${verb}${said && `: ${said}`}`,
    {hint: 'fix it, or use another file with --authfile; no credentials were sent'},
  )
}

function parseAnswer(name: string, server: string, stdout: string): Credential | undefined {
  const fields = parseFields(stdout)
  const bad = (problem: string): AuthenticationError =>
    failed(name, 'get', {exitCode: 0, problem, stdout: '', stderr: ''})
  if (!fields) throw bad('printed something else than credentials')
  const {ServerURL: about, Username: username, Secret: secret} = fields
  if (about !== '' && registryOfKey(about) !== registryOfKey(server)) {
    throw bad('printed credentials for another server')
  }
  // some helpers answer like this when they have nothing
  if (username === '' && secret === '') return undefined
  if (username === '') throw bad('printed no user name')
  return fromPair(username, secret)
}

/** The relevant members, empty if they are missing; `undefined` for any other document. */
function parseFields(
  stdout: string,
): Record<'ServerURL' | 'Username' | 'Secret', string> | undefined {
  const value = parseJsonValue(stdout)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members: Readonly<Record<string, unknown>> = {...value}
  const [about, username, secret] = ['ServerURL', 'Username', 'Secret'].map(
    (key) => members[key] ?? '',
  )
  if (typeof about !== 'string' || typeof username !== 'string' || typeof secret !== 'string') {
    return undefined
  }
  return {ServerURL: about, Username: username, Secret: secret}
}

/** An error message has several words; a single word may be a secret. */
function sentence(stdout: string, secrets: readonly string[]): string {
  const said = spokenWords(stdout, secrets)
  return /\s/.test(said) ? said : ''
}

const longestLine = 200
/**
 * The part of a helper's output that a message may show: the first line, quoted and cut, without
 * `secrets` and without anything that looks like one (long words with digits in them, documents,
 * the text after `password`). Empty when there is nothing.
 */
function spokenWords(text: string, secrets: readonly string[]): string {
  const line =
    text
      .split(/[\r\n]+/)
      .map((each) => each.trim())
      .find((each) => each !== '') ?? ''
  if (line === '') return ''
  if (/[{}]/.test(line)) return 'it printed a document'
  const known = secrets
    .filter((secret) => secret !== '')
    .reduce((rest, secret) => rest.replaceAll(secret, '…'), line)
  return quoted(withoutSecretWords(known), longestLine)
}
function withoutSecretWords(line: string): string {
  return line
    .slice(0, 4 * longestLine)
    .replaceAll(/(secret|passw(?:or)?d|token|key)(\W{1,3})\S+/gi, '$1$2…')
    .replaceAll(/\/\/[^\s/@]*@/g, '//…@')
    .replaceAll(/[\w+/=-]{16,}/g, (word) => (/\d/.test(word) ? '…' : word))
}
