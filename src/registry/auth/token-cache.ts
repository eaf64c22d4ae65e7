import type {Token} from './token.js'

/**
 * How much of a token's life may be over when it is used. What sends content is checked late by
 * some: a proxy may take all of a body before it passes anything on. So a token for that has at
 * least half of its life before it, a minute and more for those that registries usually give, while
 * a small update, which is over long before that, never asks for a second one.
 */
const usableShare = {ask: 0.8, send: 0.5} as const
export type TokenUse = keyof typeof usableShare

export interface TokenWish {
  /** In the order in which they are asked for. */
  readonly scopes: readonly string[]
  /** Scopes whose token will do as well. */
  readonly wider?: readonly string[]
  readonly use?: TokenUse
}

/**
 * The tokens that we hold, by what they were asked for, those on their way included: nobody asks
 * twice for one.
 */
export interface TokenCache {
  /**
   * The one held while it is fresh (or the fresh one held for `wider` scopes), else a new one by
   * `fetch`.
   */
  get(wish: TokenWish, fetch: () => Promise<Token>): Promise<Token>
  /** Forgets a token that the registry did not take. */
  drop(value: string): void
}

interface Held {
  readonly coming: Promise<Token>
  /** Once it has come. */
  token?: Token
}

export function createTokenCache(now: () => number): TokenCache {
  const held = new Map<string, Held>()
  const isFresh = ({token}: Held, use: TokenUse): boolean => {
    if (!token) return false
    const age = now() - token.receivedAt
    // a clock that was put back says nothing about the age
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
