import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LimitError, NetworkError} from '../../../src/errors.js'
import {
  attemptsFor,
  backoff,
  defaultRetryPolicy,
  parseRetryAfter,
} from '../../../src/registry/net/retry-policy.js'
import {RefusedError, TransportError} from '../../../src/registry/net/transport-error.js'
import {createRetries} from '../../../src/registry/net/with-retries.js'

const now = Date.parse('2026-11-21T12:00:00Z')

describe('parseRetryAfter', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['0', 0],
    ['3', 3000],
    [' 3600 ', 3_600_000],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['soon', undefined],
    ['99999999999', undefined],
    ['Sat, 21 Nov 2026 12:00:10 GMT', 10_000],
    ['Saturday, 21-Nov-26 12:00:10 GMT', 10_000],
    ['Sat Nov 21 12:00:10 2026 GMT', 10_000],
    ['Sat, 21 Nov 2020 12:00:00 GMT', 0],
    ['Xxx, 99 Foo 2026 12:00:00 GMT', undefined],
  ])('F24 reads %j as %s', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected)
  })

  it('P10 ends on any text, throws nothing, and is never negative', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseRetryAfter(text, now) ?? 0).toBeGreaterThanOrEqual(0)
      }),
    )
    parseRetryAfter('S'.repeat(1_000_000), now)
    parseRetryAfter('Sat, '.repeat(300_000), now)
  })
})

describe('backoff', () => {
  it('doubles up to its cap, with full jitter', () => {
    const longest = [1, 2, 3, 4, 8, 40].map((attempt) => backoff(attempt, defaultRetryPolicy, 1))
    expect(longest).toEqual([250, 500, 1000, 2000, 30_000, 30_000])
    expect(backoff(3, defaultRetryPolicy, 0)).toBe(0)
    expect(backoff(3, defaultRetryPolicy, 0.5)).toBe(500)
  })

  it.each([
    ['ECONNRESET', 6],
    ['EAI_AGAIN', 6],
    ['ENOTFOUND', 2],
    ['CERT_HAS_EXPIRED', 1],
    ['HPE_INVALID_CONSTANT', 1],
  ])('gives %s %i tries', (code, attempts) => {
    expect(attemptsFor(code, defaultRetryPolicy)).toBe(attempts)
  })
})

describe('withRetries', () => {
  const start = () => {
    const delays: number[] = []
    const notices: string[] = []
    const waits: string[] = []
    const withRetries = createRetries(defaultRetryPolicy, {
      sleep: (milliseconds) => Promise.resolve(void delays.push(milliseconds)),
      random: () => 1,
      now: () => now,
      onNotice: (text) => notices.push(text),
      onWait: (host, milliseconds) => waits.push(`${host} ${milliseconds}`),
    })
    return {delays, notices, waits, withRetries}
  }
  const reset = new TransportError('ECONNRESET', 'GET http://x/: read ECONNRESET')
  const busy = (retryAfter?: string) =>
    new RefusedError(503, retryAfter, new NetworkError('ERR_INJECT_REGISTRY_ANSWER', 'it is busy'))

  it('tells of a host that wants to be left alone, and for how long', async () => {
    const {waits, withRetries} = start()
    const failure = new NetworkError('ERR_INJECT_REGISTRY_ANSWER', 'it is busy')
    const refusals = [
      new RefusedError(429, '7', failure, 'registry.example'),
      // one wrong answer does not mean that the host is busy
      new RefusedError(500, undefined, failure, 'registry.example'),
    ]
    await withRetries(() => {
      const refusal = refusals.shift()
      return refusal ? Promise.reject(refusal) : Promise.resolve('x')
    })
    expect(waits).toEqual(['registry.example 7000'])
  })

  it('stops at the first success', async () => {
    const {delays, withRetries} = start()
    let calls = 0
    expect(
      await withRetries(() => (++calls < 3 ? Promise.reject(reset) : Promise.resolve('x'))),
    ).toBe('x')
    expect(delays).toEqual([250, 500])
  })

  it('says how often it tried, and keeps the cause', async () => {
    const {delays, withRetries} = start()
    await expect(withRetries(() => Promise.reject(reset))).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'ERR_INJECT_NETWORK',
      message: 'GET http://x/: read ECONNRESET (tried 6 times)',
      cause: {code: 'ECONNRESET'},
    })
    expect(delays).toEqual([250, 500, 1000, 2000, 4000])
  })

  it('F24 waits as long as it is told to, and says so', async () => {
    const {delays, notices, withRetries} = start()
    const answers = [busy('7'), busy('1'), busy('garbage')]
    await withRetries(() => (answers[0] ? Promise.reject(answers.shift()!) : Promise.resolve()))
    expect(delays).toEqual([7000, 1000, 1000])
    expect(notices).toEqual(['it is busy; trying again in 7 s'])
  })

  it('F24 gives up on a registry that asks for more than a minute', async () => {
    const {delays, withRetries} = start()
    await expect(withRetries(() => Promise.reject(busy('3600')))).rejects.toMatchObject({
      code: 'ERR_INJECT_RATE_LIMITED',
      message: 'it is busy; it asks to wait 3600 s, which is too long',
    })
    expect(delays).toEqual([])
  })

  it('F24 says after the last try, too, how long to wait', async () => {
    const {notices, withRetries} = start()
    await expect(withRetries(() => Promise.reject(busy('7')), {attempts: 1})).rejects.toMatchObject(
      {message: 'it is busy', hint: 'try again in 7 s'},
    )
    expect(notices).toEqual([])
  })

  it('F24 waits as usual where it is told to wait for nothing', async () => {
    const {delays, withRetries} = start()
    await withRetries(() => Promise.reject(busy('0')), {attempts: 3}).catch(() => undefined)
    expect(delays).toEqual([250, 500])
  })

  it.each([
    ['HPE_INVALID_CONSTANT', 'GET http://x/: Parse Error', 'if the registry speaks TLS'],
    ['HPE_INVALID_CONSTANT', 'PATCH http://x/: Parse Error', undefined],
    ['ECONNRESET', 'GET http://x/: read ECONNRESET', 'if the registry speaks TLS'],
    ['ECONNRESET', 'PUT http://x/: read ECONNRESET', undefined],
  ])('of %s at %j hints at %s', async (code, message, hint) => {
    const {withRetries} = start()
    const error: unknown = await withRetries(() =>
      Promise.reject(new TransportError(code, message)),
    ).catch((thrown: unknown) => thrown)
    const given = error instanceof NetworkError ? error.hint : ''
    expect(given?.startsWith(hint ?? '-')).toBe(hint === undefined ? undefined : true)
  })

  it('passes on at once what is not trouble of the network', async () => {
    const {delays, withRetries} = start()
    const error = new LimitError('ERR_INJECT_X', 'x')
    await expect(withRetries(() => Promise.reject(error))).rejects.toBe(error)
    const refused = new RefusedError(404, undefined, error)
    await expect(withRetries(() => Promise.reject(refused))).rejects.toBe(error)
    expect(delays).toEqual([])
  })

  it('R4 asks whether it was done before it does it again', async () => {
    const {withRetries} = start()
    let calls = 0
    const work = () => (calls++, Promise.reject(reset))
    expect(await withRetries(work, {settled: () => Promise.resolve('done')})).toBe('done')
    expect(calls).toBe(1)
  })

  it('stops when it is aborted, with the reason', async () => {
    const {withRetries} = start()
    const reason = new Error('enough')
    await expect(
      withRetries(() => Promise.reject(reset), {signal: AbortSignal.abort(reason)}),
    ).rejects.toBe(reason)
  })
})
