import {AuthenticationError, UsageError} from '../../errors.js'
import {
  type CredentialPlace,
  storeCredential,
} from '../../registry/credentials/credential-writer.js'
import {dockerAuthConfig} from '../../registry/credentials/auth-file-places.js'
import {findCredential} from '../../registry/credentials/credentials.js'
import type {CredentialPorts} from './credential-ports.js'

export interface LoginOptions {
  readonly registry: string
  readonly username: string
  readonly password: string
}

export interface LoginResult {
  readonly registry: string
  readonly username: string
  readonly stored: CredentialPlace
}

/**
 * Checks a user name and a password with the registry. If they are accepted, stores them where
 * docker, podman and `inject` look for them.
 */
export async function login(
  {registry, username, password}: LoginOptions,
  {places, ping, report, signal}: CredentialPorts,
): Promise<LoginResult> {
  refuseUnwritable(username, password)
  const seen = {asked: false}
  try {
    await ping(registry, () => {
      seen.asked = true
      return Promise.resolve({kind: 'password', username, password})
    })
  } catch (error) {
    throw seen.asked ? asWrong(error) : error
  }
  if (!seen.asked) {
    const message = `${registry} does not require a login; the password was not verified`
    report({kind: 'warning', message})
  }
  const stored = await storeCredential(places, registry, {username, password}, {signal})
  if (stored.helper === undefined) {
    const message = `the password is in ${stored.file} in base64, which is not encryption: use a credential helper to keep it safer`
    report({kind: 'warning', message})
  }
  const found = await findCredential({...places, registry, repository: '', signal})
  if (found?.source.file === dockerAuthConfig) {
    const message = `DOCKER_AUTH_CONFIG has a login for ${registry}, which is used instead: unset the variable`
    report({kind: 'warning', message})
  }
  return {registry, username, stored}
}

/** Elsewhere the hint names the place where credentials were found, but these were just typed. */
function asWrong(error: unknown): unknown {
  if (!(error instanceof AuthenticationError) || error.code !== 'ERR_INJECT_UNAUTHORIZED')
    return error
  const hint = 'the user name or the password is wrong'
  return new AuthenticationError(error.code, error.message, {cause: error, hint})
}

/** In files and requests a colon joins the two, and files may be padded with NULs. */
function refuseUnwritable(username: string, password: string): void {
  // eslint-disable-next-line no-control-regex -- these are meant
  if (username !== '' && !/[:\x00-\x1F\x7F]/.test(username) && !password.includes('\0')) return
  throw new UsageError(
    'ERR_INJECT_LOGIN_INVALID',
    'a user name must not be empty or contain a colon, and neither it nor the password may contain control characters',
  )
}
