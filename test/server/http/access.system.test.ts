import {hashSync} from 'bcryptjs'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it, onTestFinished} from 'vitest'
import {UsageError} from '../../../src/errors.js'
import {parseBasic, createHtpasswdAccess} from '../../../src/server/access/htpasswd-access.js'
import {decoysFor, highestCostOf, parseHtpasswd} from '../../../src/server/access/htpasswd.js'
import {Refusal} from '../../../src/server/http/refusal.js'
import {openRegistry, sourceOf} from '../../support/open-registry.js'
import {pushBlob, send, serveRegistry} from '../../support/served-registry.js'
import {thrownBy} from '../../support/thrown-by.js'

const hash = hashSync('s3cret', 4)
const users = parseHtpasswd(`# users\n\nalice:${hash}\r\nbob:${hashSync('pass:word é', 4)}\n`)
const basic = (text: string) => ({authorization: `Basic ${Buffer.from(text).toString('base64')}`})
const access = (anonymous: 'pull' | 'none' = 'none', more = {}) => {
  const made = createHtpasswdAccess(users, {anonymous, ...more})
  onTestFinished(() => made.close())
  return made
}

describe('a registry with users', () => {
  it('asks who does not say, refuses who says it wrong, and serves who is right', async () => {
    const {address, records} = await serveRegistry({access: access()})
    for (const path of [
      '/v2/',
      '/v2/_catalog',
      '/v2/a/tags/list',
      '/metrics',
      '/v2/a/manifests/v1',
    ]) {
      const {status, code, headers} = await send(address, 'GET', path.replace('/metrics', '/v2/'))
      expect([status, code]).toEqual([401, 'UNAUTHORIZED'])
      expect(headers['www-authenticate']).toBe('Basic realm="inject", charset="UTF-8"')
    }
    for (const wrong of [
      'alice:wrong',
      'alice:',
      ':s3cret',
      ':',
      'carol:s3cret',
      'alice',
      `alice:s3cret\0`,
      'ALICE:s3cret',
    ]) {
      expect([wrong, (await send(address, 'GET', '/v2/', {headers: basic(wrong)})).status]).toEqual(
        [wrong, 401],
      )
    }
    for (const header of [
      'Basic',
      'Basic ====',
      'Bearer x',
      `Basic ${hash}`,
      'Digest username="alice"',
    ]) {
      expect((await send(address, 'GET', '/v2/', {headers: {authorization: header}})).status).toBe(
        401,
      )
    }
    expect((await send(address, 'GET', '/v2/', {headers: basic('alice:s3cret')})).status).toBe(200)
    expect((await send(address, 'GET', '/v2/', {headers: basic('bob:pass:word é')})).status).toBe(
      200,
    )
    expect(records.at(-1)?.user).toBe('bob')
    expect(JSON.stringify(records)).not.toMatch(/s3cret|czNjcmV0/)
    expect((await send(address, 'GET', '/healthz')).status).toBe(200)
  })

  it('our client logs in', async () => {
    const {address} = await serveRegistry({access: access()})
    const credentials = {username: 'alice', password: 's3cret'}
    const {store} = openRegistry(address, {credentials})
    const blob = await store.putBlob(sourceOf('content'))
    expect(blob.written).toBe(true)
    await expect(openRegistry(address).store.statBlob(blob.digest)).rejects.toMatchObject({
      code: 'ERR_INJECT_UNAUTHORIZED',
    })
  })

  it('who is nobody may pull where that is allowed, and do nothing else', async () => {
    const {root} = await serveRegistry()
    const open = await serveRegistry({root})
    const {digest} = await pushBlob(open.address, 'a', 'content')
    const {address} = await serveRegistry({root, access: access('pull')})
    expect((await send(address, 'GET', `/v2/a/blobs/${digest}`)).body.toString()).toBe('content')
    expect((await send(address, 'GET', '/v2/_catalog')).json()).toEqual({repositories: ['a']})
    // clients log in when the first answer asks them to
    expect((await send(address, 'GET', '/v2/')).status).toBe(401)
    expect((await send(address, 'POST', '/v2/a/blobs/uploads/')).status).toBe(401)
    expect((await send(address, 'DELETE', `/v2/a/blobs/${digest}`)).status).toBe(401)
    const wrong = {headers: basic('alice:wrong')}
    expect((await send(address, 'GET', `/v2/a/blobs/${digest}`, wrong)).status).toBe(401)
    // what skopeo sends for nobody
    const nobody = {headers: basic(':')}
    expect((await send(address, 'GET', `/v2/a/blobs/${digest}`, nobody)).status).toBe(200)
    expect((await send(address, 'POST', '/v2/a/blobs/uploads/', nobody)).status).toBe(401)
    expect((await send(address, 'GET', '/v2/', nobody)).status).toBe(401)
  })

  it('T-73 what a user must not pull is not mounted for them', async () => {
    const open = await serveRegistry()
    const {digest} = await pushBlob(open.address, 'private', 'content')
    const {address} = await serveRegistry({
      root: open.root,
      access: {...access(), allows: (_, action, name) => action !== 'pull' || name !== 'private'},
    })
    const headers = basic('alice:s3cret')
    const answer = await send(
      address,
      'POST',
      `/v2/a/blobs/uploads/?mount=${digest}&from=private`,
      {headers},
    )
    expect(answer.status).toBe(202)
    expect((await send(address, 'HEAD', `/v2/a/blobs/${digest}`, {headers})).status).toBe(404)
    expect((await send(address, 'GET', `/v2/private/blobs/${digest}`, {headers})).status).toBe(403)
  })

  it('T-80 a wrong password costs the same for an unknown user, one with a cheap hash and one with a dear one', () => {
    const dear = hash.replace('$04$', '$12$')
    const cost = highestCostOf(new Map([...users, ['carol', dear]]))
    const rounds = (hashes: readonly string[]): number =>
      hashes.reduce(
        (sum, each) => sum + 2 ** Number(/^\$2[aby]\$(\d\d)\$.{53}$/.exec(each)?.[1]),
        0,
      )
    for (const own of [undefined, hash, dear])
      expect(rounds([...(own === undefined ? [] : [own]), ...decoysFor(own, cost)])).toBe(2 ** 12)
  })

  it('T-80 the others are served while passwords are checked', async () => {
    const dear = parseHtpasswd(`alice:${hash.replace('$04$', '$13$')}`)
    const guarded = createHtpasswdAccess(dear, {anonymous: 'none'})
    onTestFinished(() => guarded.close())
    let isChecked = false
    const checked = Promise.all(
      ['one', 'two'].map((guess) => guarded.identify(basic(`alice:${guess}`).authorization)),
    ).then((results) => {
      isChecked = true
      return results
    })
    // on this thread, nothing would run in the slices of 100 ms between which it gave way
    let turns = 0
    for (; !isChecked; turns++) await sleep(1)
    expect(await checked).toEqual([false, false])
    expect(turns).toBeGreaterThan(50)
  })

  it('T-80 passwords are checked again after the thread that checks them was ended', async () => {
    const guarded = access()
    const waiting = guarded.identify(basic('alice:guess').authorization)
    const outcome = expect(waiting).rejects.toThrow('the thread that checks passwords ended')
    await guarded.close()
    await outcome
    expect(await guarded.identify(basic('alice:s3cret').authorization)).toEqual({user: 'alice'})
    await guarded.close()
  })

  it('T-80 beyond a number of passwords that wait, others are told to come back', async () => {
    const guarded = access('none', {mostWaiting: 2})
    const attempts = Array.from({length: 5}, async (_, index) =>
      guarded.identify(basic(`alice:guess${index}`).authorization),
    )
    const results = await Promise.allSettled(attempts)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(3)
    for (const {reason} of refused) {
      expect(reason).toBeInstanceOf(Refusal)
      expect(reason).toMatchObject({status: 429, headers: {'retry-after': 1}})
    }
    expect(await guarded.identify(basic('alice:s3cret').authorization)).toEqual({user: 'alice'})
  })

  it('T-80 a password is checked once for all who give it at the same time, and again after a change', async () => {
    const guarded = access('none', {mostWaiting: 1})
    const {authorization} = basic('alice:s3cret')
    const all = await Promise.all(Array.from({length: 20}, () => guarded.identify(authorization)))
    expect(all).toEqual(Array.from({length: 20}, () => ({user: 'alice'})))
    guarded.replace(parseHtpasswd(`alice:${hashSync('other', 4)}`))
    expect(await guarded.identify(authorization)).toBe(false)
    expect(await guarded.identify(basic('alice:other').authorization)).toEqual({user: 'alice'})
  })
})

describe('htpasswd files', () => {
  it.each([
    ['alice', 'is not USER:HASH'],
    ['# nobody\n', 'names no user'],
    [`:${hash}`, 'is not USER:HASH'],
    ['alice:plain', 'has no bcrypt hash'],
    ['alice:$apr1$x$abc', 'has no bcrypt hash'],
    ['alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'has no bcrypt hash'],
    [`alice:${hash.replace('$04$', '$31$')}`, 'has a cost beyond 4 to 16'],
    [`x:${hash}\nx:${hash}`, 'names a user for the second time'],
  ])('%j is refused', (text, why) => {
    const error = thrownBy(() => parseHtpasswd(text))
    expect(error).toBeInstanceOf(UsageError)
    expect(error.message).toContain(why)
    expect(error.message).not.toContain(text)
  })

  it('credentials have a user', () => {
    expect(parseBasic('basic YTpi')).toEqual({username: 'a', password: 'b'})
    expect(parseBasic('Basic OmI=')).toBeUndefined()
    expect(parseBasic('Basic Og==')).toBe('nobody')
  })
})

describe('A16 wrong passwords do not lock everybody out', () => {
  // as dear as what htpasswd -B makes for safety: far fewer checks a second than guesses
  const dear = parseHtpasswd(`alice:${hashSync('s3cret', 9)}\nbob:${hashSync('other', 9)}\n`)
  const guardedBy = (more = {}) => {
    const made = createHtpasswdAccess(dear, {anonymous: 'none', ...more})
    onTestFinished(() => made.close())
    return made
  }

  /**
   * 140 wrong guesses a second, each another one, until `work` is done; how many of them were told
   * to come back.
   */
  async function underGuesses(
    guarded: ReturnType<typeof guardedBy>,
    guess: (at: number) => [string, string],
    work: () => Promise<void>,
  ): Promise<number> {
    let refused = 0
    let guesses = 0
    const answers: Promise<unknown>[] = []
    const send = (): void => {
      const [name, client] = guess(guesses)
      const credentials = basic(`${name}:guess ${guesses++}`).authorization
      const answer = guarded.identify(credentials, client).catch((error: unknown) => {
        if (error instanceof Refusal && error.status === 429) refused++
      })
      answers.push(answer)
    }
    for (let at = 0; at < 140; at++) send()
    const attack = setInterval(send, 1000 / 140)
    await work()
    clearInterval(attack)
    await Promise.all(answers)
    return refused
  }
  const right = basic('alice:s3cret').authorization

  it.each<[string, (at: number) => [string, string]]>([
    ['of another name from the same address', () => ['bob', '192.0.2.1']],
    ['of the same name from another address', () => ['alice', '192.0.2.2']],
    ['of many names from another address', (at) => [`name${at}`, '192.0.2.2']],
    ['of many names from the same network of IPv6', (at) => [`name${at}`, `2001:db8::${at % 99}`]],
  ])('a first login gets through beside guesses %s', async (_, guess) => {
    const guarded = guardedBy()
    const refused = await underGuesses(guarded, guess, async () => {
      expect(await guarded.identify(right, '192.0.2.1')).toEqual({user: 'alice'})
    })
    expect(refused).toBeGreaterThan(100)
  })

  it('who was let in lately is let in again, beside guesses of any name, their own too, from the same address', async () => {
    const guarded = guardedBy({cacheTime: 0})
    expect(await guarded.identify(right, '192.0.2.1')).toEqual({user: 'alice'})
    for (const guess of [() => 'alice', (at: number) => `name${at}`]) {
      await underGuesses(
        guarded,
        (at) => [guess(at), '192.0.2.1'],
        async () => {
          for (let again = 0; again < 10; again++)
            expect(await guarded.identify(right, '192.0.2.1')).toEqual({user: 'alice'})
        },
      )
    }
    // also with a new password
    guarded.replace(parseHtpasswd(`alice:${hashSync('new', 9)}\n`))
    await underGuesses(
      guarded,
      (at) => [`name${at}`, '192.0.2.1'],
      async () => {
        const next = basic('alice:new').authorization
        expect(await guarded.identify(next, '192.0.2.1')).toEqual({user: 'alice'})
        expect(await guarded.identify(right, '192.0.2.1')).toBe(false)
      },
    )
  })
})
