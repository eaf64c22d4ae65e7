import {createHmac, randomBytes} from 'node:crypto'
import type {Access, Identity} from './access.js'
import {parseBasic} from './basic-credential.js'
import {createBcryptThread} from './bcrypt-thread.js'
import {decoysFor, highestCostOf, type Htpasswd} from './htpasswd.js'
import {Refusal} from './refusal.js'
import {monotonicTime} from '../stream/clock.js'

export interface HtpasswdOptions {
  /** What somebody without credentials may do. */
  readonly anonymous: 'pull' | 'none'
  /** Passwords that wait to be checked, beyond which others are told to come back; 32. */
  readonly mostWaiting?: number
  /** How long a password that was right needs no second check, in milliseconds; 5 minutes. */
  readonly cacheTime?: number
}

export interface HtpasswdAccess extends Access {
  /** Takes other users from now on, and forgets who was let in. */
  replace(users: Htpasswd): void
  /** Ends the thread that checks passwords; the next check starts another one. */
  close(): Promise<void>
}

const mostCached = 1000

/**
 * All users may do everything; whoever gives no credentials, what `anonymous` says. One bcrypt runs at a time, in a thread of its own, and a wrong
 * password takes as long for an unknown user as for any known one. https://www.rfc-editor.org/rfc/rfc7617
 */
export function createHtpasswdAccess(
  users: Htpasswd,
  {anonymous, mostWaiting = 32, cacheTime = 300_000}: HtpasswdOptions,
): HtpasswdAccess {
  // passwords are remembered by a hash that means nothing to anybody but this process
  const secret = randomBytes(32)
  const thread = createBcryptThread()
  let current = {users, cost: highestCostOf(users)}
  let checks = new Map<string, {result: Promise<boolean>; until: number}>()
  let waiting = 0

  const check = (user: string, password: string): Promise<boolean> => {
    if (waiting >= mostWaiting) {
      throw new Refusal(429, 'TOOMANYREQUESTS', 'too many passwords are being checked', {
        headers: {'retry-after': 1},
      })
    }
    waiting++
    const {users: known, cost} = current
    const hash = known.get(user)
    return thread.isRight(password, hash, decoysFor(hash, cost)).finally(() => waiting--)
  }

  const isRight = (user: string, password: string): Promise<boolean> => {
    const key = createHmac('sha256', secret).update(`${user}\0${password}`).digest('base64')
    const known = checks.get(key)
    if (known !== undefined && known.until > monotonicTime()) return known.result
    const result = check(user, password)
    const into = checks
    if (into.size >= mostCached) into.delete(into.keys().next().value ?? '')
    into.set(key, {result, until: monotonicTime() + cacheTime})
    // only what was right is remembered; while it is being checked, who asks the same waits for the same
    const forget = (): void => void into.delete(key)
    result.then((right) => right || forget(), forget)
    return result
  }

  return {
    challenge: 'Basic realm="inject", charset="UTF-8"',
    async identify(authorization): Promise<Identity | false> {
      if (authorization === undefined) return undefined
      const credential = parseBasic(authorization)
      if (credential === undefined) return false
      if (credential === 'nobody') return undefined
      const {username, password} = credential
      return (await isRight(username, password)) ? {user: username} : false
    },
    allows(identity, action) {
      return identity !== undefined || (anonymous === 'pull' && action === 'pull')
    },
    replace(next) {
      current = {users: next, cost: highestCostOf(next)}
      checks = new Map()
    },
    close: () => thread.close(),
  }
}
