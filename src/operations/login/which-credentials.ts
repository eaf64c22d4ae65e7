import {UsageError} from '../../errors.js'
import {formatReference, type Reference} from '../../oci/names/reference.js'
import type {Credential} from '../../registry/credentials/credential.js'
import {type CredentialSource, findCredential} from '../../registry/credentials/credentials.js'
import type {CredentialPorts} from './credential-ports.js'

export interface WhichOptions {
  /** An empty repository stands for the registry as a whole. */
  readonly reference: Reference
  /** Credentials from flags and environment; they take precedence over all files. */
  readonly given: {readonly username: string; readonly from: 'flags' | 'environment'} | undefined
}

interface GivenSource {
  readonly kind: 'flags' | 'environment' | 'anonymous'
}

export interface WhichResult {
  readonly reference: string
  readonly registry: string
  readonly source: CredentialSource | GivenSource
  /** `null` if there is no user name, or the token does not tell. */
  readonly username: string | null
  readonly kind: Credential['kind'] | null
}

/**
 * Tells whose credentials a command would use for an image, and where they come from. Nothing is
 * sent to the registry, and the result contains no secret.
 */
export async function whichCredentials(
  {reference, given}: WhichOptions,
  {places, report, signal}: Omit<CredentialPorts, 'ping'>,
): Promise<WhichResult> {
  if (reference.kind !== 'registry') {
    throw new UsageError('ERR_INJECT_NOT_IN_A_REGISTRY', 'a local image needs no credentials', {
      hint: 'name an image in a registry',
    })
  }
  const {registry, repository} = reference
  const name = repository === '' ? registry : formatReference(reference)
  const about = {reference: name, registry}
  if (given) {
    const {username, from} = given
    return {...about, source: {kind: from}, username, kind: 'password'}
  }
  const found = await findCredential({
    ...places,
    registry,
    repository,
    signal,
    onNotice: (message) => report({kind: 'warning', message}),
  })
  if (!found) return {...about, source: {kind: 'anonymous'}, username: null, kind: null}
  const {credential, source} = found
  const username = 'username' in credential ? credential.username : undefined
  return {...about, source, username: username ?? null, kind: credential.kind}
}
