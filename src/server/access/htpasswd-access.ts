import {createHmac, randomBytes} from 'node:crypto'
import {isIPv6} from 'node:net'
import type {Access, Identity} from '../http/access.js'
import {createBcryptThread} from './bcrypt-thread.js'
import {createCheckQueue} from './check-queue.js'
import {decoysFor, highestCostOf, type Htpasswd} from './htpasswd.js'
import {canonicalAddress} from '../http/host-name.js'
import {monotonicTime} from '../../disk/clock.js'

export interface HtpasswdOptions {
  /** What somebody without credentials may do. */
  readonly anonymous: 'pull' | 'none'
  /**
   * Passwords that wait to be checked, beyond which others are told to come back; 32. As many again
   * of names that were right lately from their client.
   */
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
/** How long a password, or a name from its client, is known to have been right. */
const memoryTime = 24 * 60 * 60 * 1000

/**
 * All users are allowed everything; clients without credentials what `anonymous` allows. One bcrypt
 * runs at a time, in a thread of its own, and a wrong password takes as long for an unknown user as
 * for any known one. https://www.rfc-editor.org/rfc/rfc7617
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
  // by keyed hashes, too
  const proven = new Map<string, number>()
  const familiar = new Map<string, number>()
  const queue = createCheckQueue({mostWaiting})

  const hashed = (...parts: readonly string[]): string =>
    createHmac('sha256', secret).update(parts.join('\0')).digest('base64')

  const check = async (
    {username, password}: BasicCredential,
    client: string,
    key: string,
  ): Promise<boolean> => {
    const pair = hashed('client', client, username)
    const isFamiliar = isLately(familiar, pair) ? 'familiar' : 'stranger'
    const standing = isLately(proven, key) ? 'proven' : isFamiliar
    const right = await queue.run({client, name: username, standing}, () => {
      const {users: known, cost} = current
      const hash = known.get(username)
      return thread.isRight(password, hash, decoysFor(hash, cost))
    })
    if (right) {
      remember(proven, key)
      remember(familiar, pair)
    } else proven.delete(key)
    return right
  }

  const isRight = (credential: BasicCredential, client: string): Promise<boolean> => {
    const {username, password} = credential
    const key = hashed('password', username, password)
    const known = checks.get(key)
    if (known !== undefined && known.until > monotonicTime()) return known.result
    const result = check(credential, client, key)
    const into = checks
    if (into.size >= mostCached) into.delete(into.keys().next().value ?? '')
    into.set(key, {result, until: monotonicTime() + cacheTime})
    // only what was right is remembered; while it is being checked, who asks the same waits for the
    // same
    const forget = (): void => {
      if (into.get(key)?.result === result) into.delete(key)
    }
    result.then((right) => right || forget(), forget)
    return result
  }

  return {
    challenge: 'Basic realm="inject", charset="UTF-8"',
    async identify(authorization, client = ''): Promise<Identity | false> {
      if (authorization === undefined) return undefined
      const credential = parseBasic(authorization)
      if (credential === undefined) return false
      if (credential === 'nobody') return undefined
      const isKnown = await isRight(credential, networkOf(client))
      return isKnown ? {user: credential.username} : false
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

function remember(times: Map<string, number>, key: string): void {
  times.delete(key)
  if (times.size >= mostCached) times.delete(times.keys().next().value ?? '')
  times.set(key, monotonicTime() + memoryTime)
}

function isLately(times: ReadonlyMap<string, number>, key: string): boolean {
  return (times.get(key) ?? 0) > monotonicTime()
}

/** One client has a whole /64 of IPv6. */
function networkOf(address: string): string {
  const canonical = canonicalAddress(address)
  if (!isIPv6(canonical)) return canonical
  const [head = '', tail] = canonical.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Array.from({length: 8 - front.length - back.length}, () => '0')
  return [...front, ...(tail === undefined ? [] : zeros), ...back].slice(0, 4).join(':')
}
export interface BasicCredential {
  readonly username: string
  readonly password: string
}
/**
 * The user and password of an `Authorization` header; `undefined` for another scheme and for
 * anything malformed, `nobody` for an empty user with an empty password: what skopeo and buildah
 * send when they have none. https://www.rfc-editor.org/rfc/rfc7617#section-2
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
