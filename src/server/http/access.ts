/** Who sends a request; `undefined` for somebody who gave no credentials. */
export type Identity = {readonly user: string} | undefined

/** `discover`: ask whether this is a registry, and what state it is in. */
export type Action = 'discover' | 'pull' | 'push' | 'delete'

/** Who may do what. */
export interface Access {
  /** The `WWW-Authenticate` of a 401; `undefined` if nobody needs to log in. */
  readonly challenge: string | undefined
  /**
   * Who an `Authorization` header stands for; `false` when it is wrong. Throws `Refusal` (429) when
   * too many are being checked, of `client`'s address or in all.
   */
  identify(authorization: string | undefined, client?: string): Promise<Identity | false>
  /** `repository` is absent for what is about no repository. */
  allows(identity: Identity, action: Action, repository?: string): boolean
}

/** Everybody may do everything: for loopback, and for what stands behind a gateway that decides. */
export const openAccess: Access = {
  challenge: undefined,
  identify: () => Promise.resolve(undefined),
  allows: () => true,
}
