/** What one registry knows us by. Never part of a message. */
export type Credential =
  | {readonly kind: 'password'; readonly username: string; readonly password: string}
  /**
   * An OAuth 2 refresh token, changed for access tokens. The user name matters only where it has to
   * be sent like a password.
   */
  | {readonly kind: 'identity-token'; readonly token: string; readonly username?: string}
  /** An access token, used as it is. */
  | {readonly kind: 'registry-token'; readonly token: string}

/**
 * Says who we are, when a registry wants to know; `undefined` is nobody. Called at most once per
 * store.
 */
export type CredentialLookup = () => Promise<Credential | undefined>

/** https://www.rfc-editor.org/rfc/rfc7617 */
export function basicAuthorization({
  username,
  password,
}: Pick<Credential & {kind: 'password'}, 'username' | 'password'>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}
