import {quoted} from '../../oci/quoted.js'
import {findInAuthFile} from './auth-file.js'
import {
  type AuthFilePlaces,
  authFiles,
  missingDockerConfig,
  readAuthFile,
} from './auth-file-places.js'
import type {Credential, CredentialLookup} from './credential.js'
import {getFromHelper} from './credential-helper.js'
import {helperServers} from './helper-keys.js'

export interface CredentialSources extends AuthFilePlaces {
  readonly registry: string
  /** Empty: the registry as a whole. */
  readonly repository: string
  readonly signal?: AbortSignal | undefined
  /** Called with a reason why a login might not be found where the user expects it. */
  readonly onNotice?: ((text: string) => void) | undefined
}

/** The source of a credential: an entry of a file, or a program that a file names. */
export type CredentialSource =
  | {readonly kind: 'file'; readonly file: string; readonly key: string}
  | {
      readonly kind: 'helper'
      readonly helper: string
      /** The file that names it, and the member of the file. */
      readonly file: string
      readonly member: 'credHelpers' | 'credsStore'
    }

export interface FoundCredential {
  readonly credential: Credential
  readonly source: CredentialSource
}

/** Finds the credential for a repository as `findCredential` does. */
export function createCredentialLookup(sources: CredentialSources): CredentialLookup {
  return async () => (await findCredential(sources))?.credential
}

/**
 * Finds the credential for a repository in the files that docker, podman and skopeo write and
 * through the programs that these name. The first match counts; `undefined` is anonymous. Throws
 * `AuthenticationError` when a file that the user named is missing, a relevant file is unreadable
 * or invalid, or a program fails: continuing with another identity would hide that.
 */
export async function findCredential(
  sources: CredentialSources,
): Promise<FoundCredential | undefined> {
  const {registry, repository, env, signal} = sources
  const ask = async (
    helper: string,
    file: string,
    key?: string,
  ): Promise<FoundCredential | undefined> => {
    const member = key === undefined ? 'credsStore' : 'credHelpers'
    for (const server of helperServers(registry, key)) {
      const credential = await getFromHelper(helper, server, {env, signal})
      if (credential) return {credential, source: {kind: 'helper', helper, file, member}}
    }
    return undefined
  }
  for (const place of authFiles(sources)) {
    const text = await readAuthFile(place)
    if (text === undefined) continue
    const file = place.path
    const {helper, entry, store} = findInAuthFile(text, file, registry, repository)
    const kept = helper && (await ask(helper.name, file, helper.key))
    if (kept) return kept
    if (entry) {
      return {credential: entry.credential, source: {kind: 'file', file, key: entry.key}}
    }
    const common = store && (await ask(store.name, file))
    if (common) return common
  }
  const missing = await missingDockerConfig(sources)
  if (missing !== undefined && sources.authFile === undefined) {
    sources.onNotice?.(`DOCKER_CONFIG names ${quoted(missing)}, which does not exist`)
  }
  return undefined
}
