export interface BasicCredential {
  readonly username: string
  readonly password: string
}

/**
 * The user and password of an `Authorization` header; `undefined` for another scheme and for anything malformed, `nobody` for an empty user with an
 * empty password: what skopeo and buildah send when they have none. https://www.rfc-editor.org/rfc/rfc7617#section-2
 */
export function parseBasic(header: string): BasicCredential | 'nobody' | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  if (text === ':') return 'nobody'
  const colon = text.indexOf(':')
  if (colon < 1 || text.includes('\0')) return undefined
  return {username: text.slice(0, colon), password: text.slice(colon + 1)}
}
