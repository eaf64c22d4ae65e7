import {
  type CredentialPlace,
  eraseCredential,
  listRegistries,
} from '../../registry/credentials/credential-writer.js'
import {findCredential} from '../../registry/credentials/credentials.js'
import type {CredentialPorts} from './credential-ports.js'

export interface LogoutOptions {
  /** `undefined`: all registries that the files name. */
  readonly registry: string | undefined
}

export interface LogoutResult {
  readonly registries: readonly {
    readonly registry: string
    /** Empty: there was no login. */
    readonly removed: readonly CredentialPlace[]
  }[]
}

/**
 * Removes the logins for one registry, or for all, from every file that `inject` looks into and
 * from the helpers that these files name.
 */
export async function logout(
  {registry}: LogoutOptions,
  {places, report, signal}: Omit<CredentialPorts, 'ping'>,
): Promise<LogoutResult> {
  const wanted = registry === undefined ? await listRegistries(places) : [registry]
  const registries = []
  for (const name of wanted) {
    const removed = await eraseCredential(places, name, {signal})
    registries.push({registry: name, removed})
    const left = await findCredential({...places, registry: name, repository: '', signal})
    if (!left) continue
    const {source} = left
    const message = `there still is a login for ${name} in ${source.kind === 'file' ? source.file : `docker-credential-${source.helper}`}`
    report({kind: 'warning', message})
  }
  return {registries}
}
