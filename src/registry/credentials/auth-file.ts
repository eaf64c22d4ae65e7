import {AuthenticationError} from '../../errors.js'
import {parseJsonValue} from '../../oci/json-value.js'
import {quoted} from '../../oci/quoted.js'
import type {Credential} from './credential.js'
import {dockerAuthConfig} from './auth-file-places.js'
import {helperKeyFor} from './helper-keys.js'
import {jsonErrorLine} from './json-error-line.js'
import {pathsOf, registryNames, registryOfKey, spelledAs} from './registry-name.js'

/** What one credential file contains for one repository, in order of precedence. */
export interface AuthFileFinding {
  /**
   * The program (`docker-credential-…` without the prefix) that `credHelpers` names for this
   * repository, and its key.
   */
  readonly helper?: {readonly name: string; readonly key: string}
  /**
   * The entry below `auths` with the longest path; `{}`, which only marks a registry, does not
   * count.
   */
  readonly entry?: {readonly credential: Credential; readonly key: string}
  /**
   * The program that keeps the credentials of all registries (`credsStore`), unless this one has a
   * program of its own.
   */
  readonly store?: {readonly name: string}
}

/**
 * Reads the text of a Docker `config.json`, a containers `auth.json` or an old `.dockercfg`;
 * unknown members are ignored. Throws `AuthenticationError` (`ERR_INJECT_AUTH_FILE_INVALID`) for an
 * invalid file, without quoting it.
 * https://github.com/containers/image/blob/v5.33.0/docs/containers-auth.json.5.md
 */
export function findInAuthFile(
  text: string,
  file: string,
  registry: string,
  repository: string,
): AuthFileFinding {
  const document = parse(text, file)
  const entries = object(document['auths'] ?? (isLegacy(document) ? document : {}), file, 'auths')
  const helpers = object(document['credHelpers'] ?? {}, file, 'credHelpers')

  const key = helperKeyFor(Object.keys(helpers), registry, repository)
  const own = key === undefined ? '' : (helpers[key] ?? '')
  const common = document['credsStore'] ?? ''
  if (typeof own !== 'string' || typeof common !== 'string') {
    throw invalid(file, 'names a credential helper by something other than a string')
  }
  const entry = findEntry(entries, file, registry, repository)
  return {
    ...(own !== '' && key !== undefined && {helper: {name: own, key}}),
    ...(entry && {entry}),
    // a key for this registry overrides the common helper, even if its name is empty: no helper
    ...(key === undefined && common !== '' && {store: {name: common}}),
  }
}

/** The keys below `auths` that stand for a whole registry, in all spellings. */
export function authKeysOf(text: string, file: string, registry: string): string[] {
  const entries = object(parse(text, file)['auths'] ?? {}, file, 'auths')
  return Object.keys(entries).filter((key) => registryOfKey(key) === registry)
}

/** All keys below `auths`, as they are written. */
export function allAuthKeys(text: string, file: string): string[] {
  return Object.keys(object(parse(text, file)['auths'] ?? {}, file, 'auths'))
}

/** Whether a text counts as empty, as in docker: it is empty, or `null`. */
export function isBlank(text: string): boolean {
  return /^\uFEFF?\s*(?:null)?\s*$/.test(text)
}

/** Throws for an invalid file, as `findInAuthFile` does. */
export function parse(text: string, file: string): Record<string, unknown> {
  if (isBlank(text)) return {}
  const body = text.replace(/^\uFEFF/, '')
  const value = parseJsonValue(body)
  if (value === undefined) throw invalid(file, `is not JSON (line ${jsonErrorLine(body)})`)
  return object(value, file, 'the document')
}

function findEntry(
  entries: Record<string, unknown>,
  file: string,
  registry: string,
  repository: string,
): AuthFileFinding['entry'] {
  const names = Object.keys(entries)
  for (const wanted of keysFor(registry, repository)) {
    const exact = names.filter((name) => name === wanted)
    // the exact spelling takes precedence over other spellings
    for (const key of [...exact, ...names.filter((name) => spelledAs(name) === wanted)]) {
      const credential = decode(object(entries[key] ?? {}, file, 'an entry'), file)
      if (credential) return {credential, key}
    }
  }
  return undefined
}

function object(value: unknown, file: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return {...value}
  throw invalid(file, `has something other than an object as ${what}`)
}

/** `.dockercfg` is what is now the content of `auths`. */
function isLegacy(document: Record<string, unknown>): boolean {
  return Object.values(document).some(
    (entry) => typeof entry === 'object' && entry !== null && 'auth' in entry,
  )
}

/**
 * The keys to look for, longest path first, the registry last; Docker Hub under all of its names.
 */
function keysFor(registry: string, repository: string): string[] {
  return pathsOf(repository).flatMap((path) =>
    registryNames(registry).map((name) => `${name}${path}`),
  )
}

function decode(entry: Record<string, unknown>, file: string): Credential | undefined {
  const text = (name: string): string => {
    const value = entry[name] ?? ''
    if (typeof value !== 'string')
      throw invalid(file, `has an invalid ${name}: it must be a string`)
    return value
  }
  const [username, password] = pairOf(text, file)
  const identity = text('identitytoken')
  if (identity) return {kind: 'identity-token', token: identity, ...(username && {username})}
  const registryToken = text('registrytoken')
  if (registryToken) return {kind: 'registry-token', token: registryToken}
  return username === '' ? undefined : fromPair(username, password)
}

function pairOf(text: (name: string) => string, file: string): [string, string] {
  const auth = text('auth')
  if (auth === '') return text('password') ? [text('username'), text('password')] : ['', '']
  const pair = Buffer.from(auth, 'base64').toString()
  const colon = pair.indexOf(':')
  if (colon < 1) throw invalid(file, 'has an entry whose auth is not user:password in base64')
  return [pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, '')]
}

/** Helpers mark an identity token with this user name, and some files have copied it. */
export function fromPair(username: string, password: string): Credential {
  return username === '<token>'
    ? {kind: 'identity-token', token: password}
    : {kind: 'password', username, password}
}

function invalid(file: string, why: string): AuthenticationError {
  const isVariable = file === dockerAuthConfig
  return new AuthenticationError(
    'ERR_INJECT_AUTH_FILE_INVALID',
    `${isVariable ? 'the environment variable DOCKER_AUTH_CONFIG' : `the file of credentials ${quoted(file)}`} ${why}`,
    {
      hint: isVariable
        ? 'fix or unset the variable; it holds what a config.json of docker holds'
        : 'fix the file, or move it away and log in again',
    },
  )
}
