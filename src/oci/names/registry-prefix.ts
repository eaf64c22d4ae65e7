import {UsageError} from '../../errors.js'
import {referenceIn} from './reference.js'

/** All repositories of a registry, or those below a path. */
export interface RegistryPrefix {
  readonly registry: string
  /** `team/base`: the repositories `team/base/…`; empty: all. */
  readonly path: string
}

/**
 * Reads `HOST[:PORT][/PATH]`. Throws `UsageError` (`ERR_INJECT_REGISTRY_INVALID`), which never
 * repeats the text, since it may hold a password; `what` names it in messages.
 */
export function parseRegistryPrefix(text: string, what: string): RegistryPrefix {
  const plain = text.replace(/\/+$/, '')
  // with two more parts nothing is filled in for Docker Hub
  const reference = referenceIn(`${plain}/a/b`)
  const [host = ''] = plain.split('/')
  const hasHost = /[.:]/.test(host) || host.toLowerCase() === 'localhost'
  if (hasHost && reference?.kind === 'registry' && reference.digest === undefined) {
    const {registry, repository} = reference
    return {registry, path: repository.replace(/\/?a\/b$/, '')}
  }
  throw new UsageError('ERR_INJECT_REGISTRY_INVALID', `${what} is not a registry`, {
    hint: 'write HOST[:PORT] or HOST[:PORT]/PATH, as in registry.example:5000/team',
  })
}

/** `HOST[:PORT][/PATH]`. */
export function formatRegistryPrefix({registry, path}: RegistryPrefix): string {
  return path === '' ? registry : `${registry}/${path}`
}

/** What follows the path in a repository below it; `undefined`: it is not below it. */
export function pathBelow({path}: RegistryPrefix, repository: string): string | undefined {
  if (path === '') return repository
  return repository.startsWith(`${path}/`) ? repository.slice(path.length + 1) : undefined
}
