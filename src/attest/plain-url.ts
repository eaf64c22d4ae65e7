/**
 * A URL without what may be secret in it: user name, password, query and fragment. An address as
 * `git` and `scp` write it (`git@host:path`) becomes a URL. `undefined` for any other text.
 */
export function plainUrl(text: string): string | undefined {
  const [, host, path] = /^(?:[^@/:\s]+@)?([\w.-]+):(?!\/\/)([\w./~-]+)$/.exec(text) ?? []
  const written = host === undefined || path === undefined ? text : `ssh://${host}/${path}`
  if (!URL.canParse(written)) return undefined
  const url = new URL(written)
  if (!['http:', 'https:', 'ssh:', 'git:'].includes(url.protocol)) return undefined
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return url.href
}
