import {pathsOf, registryNames, registryOfKey, serverKey, spelledAs} from './registry-name.js'

/**
 * Which key of `credHelpers` applies to a repository: the one with the longest path; of these the
 * one with the registry's exact spelling, then another spelling, then the pattern with the most
 * characters. In a pattern `*` matches characters of a single label of the host. `undefined`: no
 * key applies.
 */
export function helperKeyFor(
  keys: readonly string[],
  registry: string,
  repository: string,
): string | undefined {
  const patterns = keys
    .filter((key) => key.includes('*'))
    .sort((one, other) => other.length - one.length)
  for (const path of pathsOf(repository)) {
    const names = registryNames(registry).map((name) => `${name}${path}`)
    const found =
      keys.find((key) => names.includes(key)) ??
      keys.find((key) => names.includes(spelledAs(key))) ??
      patterns.find((key) => names.some((name) => matches(spelledAs(key), name)))
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * The names under which a helper may keep the login for a registry, the most likely first: the key
 * that named the helper, if it stands for this registry alone; docker's name for the registry; its
 * other names.
 */
export function helperServers(registry: string, key?: string): string[] {
  const written = key !== undefined && registryOfKey(key) === registry ? [key] : []
  return [...new Set([...written, serverKey(registry), ...registryNames(registry)])]
}

/** A path must match exactly; only the host may contain `*`. */
function matches(pattern: string, name: string): boolean {
  const [host = '', ...path] = pattern.split('/')
  const [ownHost = '', ...ownPath] = name.split('/')
  if (path.join('/') !== ownPath.join('/')) return false
  const labels = host.split('.')
  const own = ownHost.split('.')
  return labels.length === own.length && labels.every((label, at) => isLike(own[at] ?? '', label))
}

/** Moves from `*` to `*` without backtracking, so that every pattern is fast. */
function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return text === first
  if (text.length < first.length + last.length) return false
  if (!text.startsWith(first) || !text.endsWith(last)) return false
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return at <= text.length - last.length
}
