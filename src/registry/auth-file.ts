import {AuthenticationError} from '../errors.js'
import {quoted} from '../oci/quoted.js'
import type {Credential} from './credential.js'

/** What one file of credentials says about one repository. */
export interface AuthFileFinding {
  readonly credential?: Credential
  /** The program (`docker-credential-…` without the prefix) that keeps it instead; we do not run those yet. */
  readonly helper?: string
}

/**
 * Looks into the text of a Docker `config.json`, a containers `auth.json` or an old `.dockercfg`; unknown members are ignored.
 * Throws `AuthenticationError` (`ERR_INJECT_AUTH_FILE_INVALID`) for what is not such a file, without quoting it.
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
  const keys = keysFor(registry, repository)
  const entryOf = (key: string): string | undefined =>
    Object.keys(entries).find((name) => name === key) ??
    Object.keys(entries).find((name) => normalise(name) === key)

  let marked = false
  for (const key of keys) {
    const name = entryOf(key)
    if (name === undefined) continue
    marked = true
    const credential = decode(object(entries[name], file, 'an entry'), file)
    if (credential) return {credential}
  }
  const own = Object.keys(helpers).find((name) => keys.includes(normalise(name)))
  const helper = own === undefined ? document['credsStore'] : helpers[own]
  // without an entry of its own, the common keeper knows nothing of this registry
  return typeof helper === 'string' && helper && (own !== undefined || marked) ? {helper} : {}
}

function parse(text: string, file: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch {
    // the parser's message quotes the text, and that is full of secrets: no cause
    throw invalid(file, 'is not JSON')
  }
  return object(value, file, 'the document')
}

function object(value: unknown, file: string, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return {...value}
  throw invalid(file, `has something else than an object as ${what}`)
}

/** `.dockercfg` is what `auths` holds today. */
function isLegacy(document: Record<string, unknown>): boolean {
  return Object.values(document).some(
    (entry) => typeof entry === 'object' && entry !== null && 'auth' in entry,
  )
}

/** Longest path first, the registry last; Docker Hub under all the names that it goes by. */
function keysFor(registry: string, repository: string): string[] {
  const names =
    registry === 'docker.io' ? ['docker.io', 'index.docker.io', 'registry-1.docker.io'] : [registry]
  const parts = repository.split('/')
  const paths = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`)
  return [...paths, ''].flatMap((path) => names.map((name) => `${name}${path}`))
}

/** Docker writes URLs, of which the host counts; containers write a host, perhaps with a path. */
function normalise(key: string): string {
  const url = /^https?:\/\/([^/?#]*)/i.exec(key)
  const name = url?.[1] ?? key.replace(/\/(?:v[12]\/?)?$/, '')
  return name.toLowerCase()
}

function decode(entry: Record<string, unknown>, file: string): Credential | undefined {
  const text = (name: string): string => {
    const value = entry[name] ?? ''
    if (typeof value !== 'string') throw invalid(file, `has something else than a text as ${name}`)
    return value
  }
  const identity = text('identitytoken')
  if (identity) return {kind: 'identity-token', token: identity}
  const registryToken = text('registrytoken')
  if (registryToken) return {kind: 'registry-token', token: registryToken}
  if (!text('auth')) {
    return text('username') && text('password')
      ? fromPair(text('username'), text('password'))
      : undefined
  }
  const pair = Buffer.from(text('auth'), 'base64').toString()
  const colon = pair.indexOf(':')
  if (colon < 1) throw invalid(file, 'has an entry whose auth is not user:password in base64')
  return fromPair(pair.slice(0, colon), pair.slice(colon + 1).replace(/\0+$/, ''))
}

/** Helpers mark an identity token by this user name, and some files have copied it. */
function fromPair(username: string, password: string): Credential {
  return username === '<token>'
    ? {kind: 'identity-token', token: password}
    : {kind: 'password', username, password}
}

function invalid(file: string, why: string): AuthenticationError {
  return new AuthenticationError(
    'ERR_INJECT_AUTH_FILE_INVALID',
    `the file of credentials ${quoted(file)} ${why}`,
    {hint: 'log in again to have it written anew'},
  )
}
