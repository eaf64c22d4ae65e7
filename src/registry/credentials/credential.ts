/** How the client identifies itself to one registry. Never part of a message. */
export type Credential =
  | {readonly kind: 'password'; readonly username: string; readonly password: string}
  /**
   * An OAuth 2 refresh token, exchanged for access tokens. The user name matters only where it must
   * be sent like a password.
   */
  | {readonly kind: 'identity-token'; readonly token: string; readonly username?: string}
  /** An access token, used as it is. */
  | {readonly kind: 'registry-token'; readonly token: string}

/**
 * Looks up the credential when the registry asks for one; `undefined` is anonymous. Called at most
 * once per store.
 */
export type CredentialLookup = () => Promise<Credential | undefined>

/** https://www.rfc-editor.org/rfc/rfc7617 */
export function basicAuthorization({
  username,
  password,
}: Pick<Credential & {kind: 'password'}, 'username' | 'password'>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
