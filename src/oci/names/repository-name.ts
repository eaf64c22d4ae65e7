import {UsageError} from '../../errors.js'
import {quoted} from '../quoted.js'

export interface RepositoryName {
  readonly registry: string
  readonly repository: string
}

/**
 * Docker Hub under its one name here; what it is called elsewhere, and where its API is, differ.
 */
const dockerHub = 'docker.io'
const otherNamesOfDockerHub: readonly string[] = ['index.docker.io', 'registry-1.docker.io']

/** In characters, of a whole name of a repository. */
export const longestName = 255

/** What a part between two slashes of a name must match. */
export const nameComponent = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/

/**
 * Splits `[HOST[:PORT]/]PATH`, filling in what Docker Hub's users leave out. Throws what `invalid`
 * makes of a reason.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function parseRepository(
  name: string,
  invalid: (why: string, hint?: string) => UsageError,
): RepositoryName {
  if (name === '') throw invalid('it names no repository')
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(slash, 0))
  const hasHost = /[.:]/.test(first) || first.toLowerCase() === 'localhost'
  const host = hasHost ? first.toLowerCase() : dockerHub
  const path = hasHost ? name.slice(slash + 1) : name
  if (!isHost(host)) throw invalid(`${quoted(first)} is not a host, or has an invalid port`)
  refusePath(path, invalid)

  const registry = otherNamesOfDockerHub.includes(host) ? dockerHub : host
  const isOfficial = registry === dockerHub && !path.includes('/')
  return {registry, repository: isOfficial ? `library/${path}` : path}
}

function refusePath(path: string, invalid: (why: string, hint?: string) => UsageError): void {
  if (path.length > longestName) {
    throw invalid(`its repository's name is longer than ${longestName} characters`)
  }
  if (isRepositoryName(path)) return
  const hint = /[A-Z]/.test(path)
    ? 'repositories are in lower case'
    : 'a repository is lower-case letters and digits, with "/", ".", "_", "__" or dashes between them'
  throw invalid(`${quoted(path)} is not a repository`, hint)
}

/**
 * A DNS name or an IP address, an IPv6 one in brackets, with or without a port: the first part of a
 * URL.
 */
function isHost(host: string): boolean {
  const dns =
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::[1-9]\d{0,4})?$/
  const ipv6 = /^\[[0-9a-f:.]+\](?::[1-9]\d{0,4})?$/
  if (host.length > longestName || !(dns.test(host) || ipv6.test(host))) return false
  return URL.canParse(`http://${host}/`)
}

/**
 * Whether a text is a name of the specification's grammar, of 255 characters at most.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function isRepositoryName(text: string): boolean {
  return text.length <= longestName && text.split('/').every((part) => nameComponent.test(part))
}

/**
 * The name itself. Throws `UsageError` (`ERR_INJECT_REPOSITORY_NAME_INVALID`) when it is not the
 * name of a repository.
 */
export function parseRepositoryName(name: string): string {
  if (isRepositoryName(name)) return name
  const message = `${quoted(name)} is not the name of a repository`
  throw new UsageError('ERR_INJECT_REPOSITORY_NAME_INVALID', message)
}
