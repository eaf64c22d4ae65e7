/** What is wrong with a text that is meant for another tool or place, and what to type instead. */
export interface Misplaced {
  readonly why: string
  readonly hint: string
}

const places = 'oci:DIR, oci-archive:FILE, docker-archive:FILE or fast:DIR'

const others: Readonly<Record<string, string>> = {
  'docker-daemon': 'write it to a file with docker save, and use docker-archive:FILE',
  'containers-storage': 'write it to a file with podman save, and use docker-archive:FILE',
  podman: 'write it to a file with podman save, and use docker-archive:FILE',
  ocidir: 'an OCI image layout is oci:DIR here',
  'oci-dir': 'an OCI image layout is oci:DIR here',
  'oci-layout': 'an OCI image layout is oci:DIR here',
  dir: 'copy it to a layout with skopeo copy dir:DIR oci:DIR; an image of Docker Hub is docker.io/library/dir',
  file: `an image on disk is ${places}`,
  tarball: 'an archive is oci-archive:FILE or docker-archive:FILE',
  tar: 'an archive is oci-archive:FILE or docker-archive:FILE',
  ostree: `use a registry, ${places}`,
  sif: `use a registry, ${places}`,
}

/**
 * Recognises what people type for images elsewhere: URLs, paths, prefixes of other tools. An image
 * of Docker Hub that is called as such a prefix can still be named with its host.
 */
export function misplaced(text: string): Misplaced | undefined {
  if (/^https?:\/\//i.test(text)) {
    return {
      why: 'it is a URL',
      hint: 'leave out the scheme; for a registry without TLS use --plain-http',
    }
  }
  // helm has it so
  if (/^oci:\/\/[^/]/i.test(text)) {
    return {
      why: '"oci://" is not a prefix',
      hint: 'leave it out for an image in a registry; a layout on disk is oci:DIR',
    }
  }
  if (/^(?:~|\.{1,2})?\//.test(text) || text === '.' || text === '..')
    return {why: 'it is a path', hint: `an image on disk is ${places}`}
  const [, scheme = ''] = /^([a-z][a-z-]*):/.exec(text) ?? []
  const hint = Object.hasOwn(others, scheme) ? others[scheme] : undefined
  return hint === undefined ? undefined : {why: `"${scheme}:" is not supported`, hint}
}
