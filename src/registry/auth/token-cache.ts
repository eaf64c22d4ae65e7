import type {Token} from './token.js'

/**
 * How much of a token's life may be over when it is used. Some registries check the token of an
 * upload late, because a proxy may receive the whole body before it passes anything on. So a token
 * for an upload has at least half of its life left, usually a minute or more, and a small update,
 * which is over long before that, never needs a second one.
 */
const usableShare = {ask: 0.8, send: 0.5} as const
export type TokenUse = keyof typeof usableShare

export interface TokenWish {
  /** In the order in which they are requested. */
  readonly scopes: readonly string[]
  /** Scopes whose token is also sufficient. */
  readonly wider?: readonly string[]
  readonly use?: TokenUse
}

/**
 * The cached tokens by their scopes, including tokens on their way, so that none is requested
 * twice.
 */
export interface TokenCache {
  /**
   * The cached token if it is fresh (or a fresh one for `wider` scopes), else a new one from
   * `fetch`.
   */
  get(wish: TokenWish, fetch: () => Promise<Token>): Promise<Token>
  /** Removes a token that the registry refused. */
  drop(value: string): void
}

interface Held {
  readonly coming: Promise<Token>
  /** Set when it has arrived. */
  token?: Token
}

export function createTokenCache(now: () => number): TokenCache {
  const held = new Map<string, Held>()
  const isFresh = ({token}: Held, use: TokenUse): boolean => {
    if (!token) return false
    const age = now() - token.receivedAt
    // if the clock was set back, the age is unknown
    return age >= 0 && age < token.life * usableShare[use]
  }

  return {
    get({scopes, wider = scopes, use = 'ask'}, fetch) {
      const key = keyOf(scopes)
      const enough = [held.get(keyOf(wider)), held.get(key)].find(
        (entry) => entry && isFresh(entry, use),
      )
      if (enough) return enough.coming
      const entry = held.get(key)
      if (entry && !entry.token) return entry.coming
      const asked: Held = {coming: fetch()}
      held.set(key, asked)
      asked.coming.then(
        (token) => (asked.token = token),
        () => {
          if (held.get(key) === asked) held.delete(key)
        },
      )
      return asked.coming
    },

    drop(value) {
      for (const [key, {token}] of held) if (token?.value === value) held.delete(key)
    },
  }
}

function keyOf(scopes: readonly string[]): string {
  return scopes.join(' ')
}
