import type {Token} from './token.js'

/** The tokens that we hold, by what they were asked for, those on their way included: nobody asks twice for one. */
export interface TokenCache {
  /** A token for `scopes`: the one held while it is fresh (or the fresh one held for `wider` scopes), else a new one by `fetch`. */
  get(
    scopes: readonly string[],
    fetch: () => Promise<Token>,
    wider?: readonly string[],
  ): Promise<Token>
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
  const fresh = (entry: Held | undefined): boolean => (entry?.token?.staleAt ?? 0) > now()

  return {
    get(scopes, fetch, wider = scopes) {
      const key = keyOf(scopes)
      const enough = [held.get(keyOf(wider)), held.get(key)].find(fresh)
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
