import {UsageError} from '../../errors.js'

/** The bcrypt hashes of users by their names. */
export type Htpasswd = ReadonlyMap<string, string>

/** A check of cost 16 takes seconds already. */
const highestCost = 16
const bcryptHash = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/

/**
 * Reads what `htpasswd -B` writes: `user:hash` a line; empty lines and lines that begin with `#`
 * count for nothing. Throws `UsageError` (`ERR_INJECT_HTPASSWD_INVALID`), which names the line and
 * shows nothing of it, for any hash but bcrypt's: the older ones are broken in no time.
 */
export function parseHtpasswd(text: string): Htpasswd {
  const users = new Map<string, string>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const user = line.slice(0, Math.max(colon, 0))
    const hash = line.slice(colon + 1)
    if (user === '') throw invalid(index, 'is not USER:HASH')
    const cost = Number(bcryptHash.exec(hash)?.[1])
    if (Number.isNaN(cost)) throw invalid(index, 'has no bcrypt hash', 'make it with htpasswd -B')
    if (cost < 4 || cost > highestCost)
      throw invalid(index, `has a cost beyond 4 to ${highestCost}`)
    if (users.has(user)) throw invalid(index, 'names a user for the second time')
    users.set(user, hash)
  }
  if (users.size > 0) return users
  throw new UsageError('ERR_INJECT_HTPASSWD_INVALID', 'the htpasswd file names no user', {
    hint: 'add one with htpasswd -B',
  })
}

/** The highest cost of a hash among `users`. */
export function highestCostOf(users: Htpasswd): number {
  return Math.max(4, ...[...users.values()].map(costOf))
}

/**
 * Hashes that no password has. All of them, and `hash`, take as long to check as one hash of `cost`
 * does: twice the time for each step, hence the sum. Without `hash`, for a user who is not there, a
 * single one.
 */
export function decoysFor(hash: string | undefined, cost: number): readonly string[] {
  if (hash === undefined) return [decoyOf(cost)]
  const own = costOf(hash)
  return Array.from({length: cost - own}, (_, step) => decoyOf(own + step))
}

function costOf(hash: string): number {
  return Number(bcryptHash.exec(hash)?.[1])
}

function decoyOf(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(22 + 31)}`
}

function invalid(index: number, why: string, hint?: string): UsageError {
  return new UsageError(
    'ERR_INJECT_HTPASSWD_INVALID',
    `line ${index + 1} of the htpasswd file ${why}`,
    {
      ...(hint !== undefined && {hint}),
    },
  )
}
