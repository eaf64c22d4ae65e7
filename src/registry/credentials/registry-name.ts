import {UsageError} from '../../errors.js'
import {parseReference} from '../../oci/names/reference.js'

const dockerHub = 'docker.io'

/** Docker's own name for Docker Hub in its file and for its helpers. */
const dockerHubKey = 'https://index.docker.io/v1/'

/** All hosts that stand for a registry in credential files, the usual one first. */
export function registryNames(registry: string): string[] {
  return registry === dockerHub
    ? [dockerHub, 'index.docker.io', 'registry-1.docker.io']
    : [registry]
}

/**
 * The name by which docker and the credential helpers know a registry, in files and on standard
 * input.
 */
export function serverKey(registry: string): string {
  return registry === dockerHub ? dockerHubKey : registry
}

/** Of `team/app`: `/team/app`, `/team` and the empty path, which stands for the registry. */
export function pathsOf(repository: string): string[] {
  const parts = repository === '' ? [] : repository.split('/')
  const paths = parts.map((_, index) => `/${parts.slice(0, parts.length - index).join('/')}`)
  return [...paths, '']
}

/**
 * A key of a credential file as `HOST` or `HOST/PATH` in lower case: docker writes URLs, of which
 * only the host counts; containers write a host, perhaps with a path.
 */
export function spelledAs(key: string): string {
  const url = /^https?:\/\/([^/?#]*)/i.exec(key)
  return (url?.[1] ?? key.replace(/\/(?:v[12]\/?)?$/, '')).toLowerCase()
}

/**
 * The registry that a key in a credential file stands for: a host, or a URL. `undefined` for a key
 * with a path, which stands for less, and for a pattern, which stands for more.
 */
export function registryOfKey(key: string): string | undefined {
  const host = spelledAs(key)
  if (host === '' || host.includes('/') || host.includes('*')) return undefined
  return registryNames(dockerHub).includes(host) ? dockerHub : host
}

/**
 * Parses a registry as `login` and `logout` take it: `HOST[:PORT]`, or a URL as docker wrote and
 * documented it, of which only the host counts. Throws `UsageError` (`ERR_INJECT_REGISTRY_INVALID`)
 * without quoting the text, because people paste addresses with passwords in them.
 */
export function parseRegistryName(text: string): string {
  const host = text.replace(/^https?:\/\//i, '').replace(/\/(?:v[12]\/?)?$/, '')
  if (host.includes('@')) throw invalid('give the user by --username and no password at all')
  if (host.includes('/')) throw invalid('give the registry alone, without a repository')
  try {
    const reference = parseReference(`${host}/x`)
    const isWhole = reference.kind === 'registry' && /^(?:library\/)?x$/.test(reference.repository)
    if (isWhole && reference.tag === undefined) return reference.registry
  } catch {
    // this hint is more useful than the one about references
  }
  throw invalid('write HOST or HOST:PORT, as in registry.example:5000; docker.io is Docker Hub')
}

function invalid(hint: string): UsageError {
  return new UsageError('ERR_INJECT_REGISTRY_INVALID', 'REGISTRY is not the name of a registry', {
    hint,
  })
}
