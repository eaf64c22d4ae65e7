import {UsageError} from '../../errors.js'
import {parseReference, type Reference} from '../../oci/names/reference.js'
import {parseRegistryName} from '../../registry/credentials/registry-name.js'

export interface DoctorTarget {
  readonly registry: string
  /** Empty: the registry as a whole. */
  readonly repository: string
  readonly reference: string | undefined
}

/**
 * `REGISTRY` or `REGISTRY/REPOSITORY[:TAG]`. Throws `UsageError`, also when uploads are to be tried
 * and there is no repository to try them in.
 */
export function doctorTarget(text: string, writes: boolean): DoctorTarget {
  const name = text.replace(/\/$/, '')
  if (!name.includes('/') || /^https?:\/\/[^/]*$/i.test(name)) {
    const registry = parseRegistryName(name)
    if (!writes) return {registry, repository: '', reference: undefined}
    throw new UsageError('ERR_INJECT_NO_REPOSITORY', 'no repository to write to', {
      hint: `add one: inject doctor ${registry}/REPOSITORY --write`,
    })
  }
  const reference = parseReference(name)
  if (reference.kind !== 'registry') {
    throw new UsageError('ERR_INJECT_NOT_IN_A_REGISTRY', 'a local image is not in a registry', {
      hint: 'pass REGISTRY or REGISTRY/REPOSITORY',
    })
  }
  const {registry, repository, digest, tag} = reference
  return {registry, repository, reference: digest ?? tag}
}
/**
 * An image, or a registry alone as `login` takes it (its repository is empty): `localhost`, an IPv6
 * address, or a name with a dot in it, and no slash. Throws `UsageError`.
 */
export function whichTarget(text: string): Reference {
  const name = text.replace(/\/$/, '')
  const isHost = /^(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:.]+\])(?::\d+)?$/i.test(name)
  return isHost
    ? {kind: 'registry', registry: parseRegistryName(name), repository: ''}
    : parseReference(text)
}
/**
 * The cache that is meant: the one that was named, else that of the environment. Throws
 * `UsageError`.
 */
export function cacheFolder(
  given: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): string {
  const directory = given ?? env['INJECT_CACHE'] ?? ''
  if (directory !== '') return directory
  throw new UsageError('ERR_INJECT_NO_CACHE', 'no cache folder given', {
    hint: 'use inject cache prune DIR, or set INJECT_CACHE',
  })
}
