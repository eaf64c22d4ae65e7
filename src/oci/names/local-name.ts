import {isRepositoryName} from './repository-name.js'
import {isTag} from './tag.js'

/** More than host, port, repository and tag together can have. */
const longestName = 1000

/**
 * Whether a layout can have a manifest under this name and a reference can hold it: a tag, or a
 * whole name with a tag, as skopeo and podman write it (`docker.io/library/alpine:3.1`).
 * https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys
 */
export function isLocalName(text: string): boolean {
  return isTag(text) || tagOfFullName(text) !== undefined
}

/**
 * The same for an archive, whose own name may hold a colon (`img-10:00.tar`) and cannot end in a
 * slash: a whole name must begin with a host.
 */
export function isArchiveName(text: string): boolean {
  return isTag(text) || (/^(?:localhost|[^/]*[.:][^/]*)\//.test(text) && isLocalName(text))
}

/** The tag at the end of a whole name: `3.1` of `docker.io/library/alpine:3.1`. */
export function tagOfFullName(text: string): string | undefined {
  const colon = text.indexOf(':', text.lastIndexOf('/') + 1)
  const tag = text.slice(colon + 1)
  if (colon < 0 || !isTag(tag)) return undefined
  const [first = '', ...path] = text.slice(0, colon).split('/')
  const isHost = path.length > 0 && /^[a-z0-9.-]+(?::\d{1,5})?$/i.test(first)
  const repository = isHost ? path.join('/') : first
  return isRepositoryName(repository) ? tag : undefined
}

/**
 * Splits `PATH[:NAME]` where skopeo does, at the first colon that a name can follow. A directory
 * with colons in it needs a slash at its end, for then no name follows them. `undefined` as the
 * name: there is none; an empty one stands for a colon with nothing after it.
 */
export function splitLocalName(
  text: string,
  isName: (text: string) => boolean,
): {path: string; name: string | undefined} {
  // no name is longer, so a path of many colons is rejected quickly
  const first = Math.max(0, text.length - longestName)
  for (let colon = text.indexOf(':', first); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    const name = text.slice(colon + 1)
    if (name === '' || isName(name)) return {path: text.slice(0, colon), name}
  }
  return {path: text, name: undefined}
}
