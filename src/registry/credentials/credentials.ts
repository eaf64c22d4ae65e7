import {findInAuthFile} from './auth-file.js'
import {type AuthFilePlaces, authFiles, readAuthFile} from './auth-file-places.js'
import type {Credential, CredentialLookup} from './credential.js'
import {getFromHelper} from './credential-helper.js'
import {serverKey} from './registry-name.js'

export interface CredentialSources extends AuthFilePlaces {
  readonly registry: string
  /** Empty: the registry as a whole. */
  readonly repository: string
  readonly signal?: AbortSignal | undefined
}

/** Where a credential came from: an entry of a file, or a program that a file names. */
export type CredentialSource =
  | {readonly kind: 'file'; readonly file: string; readonly key: string}
  | {
      readonly kind: 'helper'
      readonly helper: string
      /** The file that names it, and in which of its members. */
      readonly file: string
      readonly member: 'credHelpers' | 'credsStore'
    }

export interface FoundCredential {
  readonly credential: Credential
  readonly source: CredentialSource
}

/** Finds who we are for a repository as `findCredential` does. */
export function createCredentialLookup(sources: CredentialSources): CredentialLookup {
  return async () => (await findCredential(sources))?.credential
}

/**
 * Who we are for a repository by the files that docker, podman and skopeo write and by the programs
 * that these name; the first that knows counts, and `undefined` is nobody. Throws
 * `AuthenticationError` when a file that was named is missing, one that counts cannot be read or is
 * none, or a program fails: going on as somebody else would hide that.
 */
export async function findCredential(
  sources: CredentialSources,
): Promise<FoundCredential | undefined> {
  const {registry, repository, env, signal} = sources
  const ask = async (
    helper: string,
    file: string,
    member: 'credHelpers' | 'credsStore',
  ): Promise<FoundCredential | undefined> => {
    const credential = await getFromHelper(helper, serverKey(registry), {env, signal})
    return credential && {credential, source: {kind: 'helper', helper, file, member}}
  }
  for (const place of authFiles(sources)) {
    const text = await readAuthFile(place)
    if (text === undefined) continue
    const file = place.path
    const {helper, entry, store} = findInAuthFile(text, file, registry, repository)
    const kept = helper && (await ask(helper.name, file, 'credHelpers'))
    if (kept) return kept
    if (entry) {
      return {credential: entry.credential, source: {kind: 'file', file, key: entry.key}}
    }
    const common = store && (await ask(store.name, file, 'credsStore'))
    if (common) return common
  }
  return undefined
}
