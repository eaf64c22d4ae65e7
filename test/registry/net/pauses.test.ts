import {describe, expect, it} from 'vitest'
import {createHostPauses} from '../../../src/registry/net/pauses.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'
import {openTransport} from '../../../src/registry/net/open-transport.js'

/** Sleeps that end when the test says so. */
const sleeper = () => {
  const sleeps: {readonly milliseconds: number; readonly wake: () => void}[] = []
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => sleeps.push({milliseconds, wake}))
  return {sleeps, sleep}
}
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false
  promise.then(
    () => (done = true),
    () => (done = true),
  )
  await new Promise((resolve) => setTimeout(resolve, 5))
  return done
}

describe('the pauses that a host asks for', () => {
  it('is kept by everybody who asks it, and by nobody else', async () => {
    const {sleeps, sleep} = sleeper()
    const pauses = createHostPauses(sleep)
    const first = pauses.postpone('a', 1000, undefined)
    const second = pauses.clear('a', undefined)
    expect(await settled(pauses.clear('b', undefined))).toBe(true)
    expect([await settled(first), await settled(second)]).toEqual([false, false])
    sleeps[0]?.wake()
    expect([await settled(first), await settled(second)]).toEqual([true, true])
    expect(await settled(pauses.clear('a', undefined))).toBe(true)
  })

  it('is that of the longest wait asked for', async () => {
    const {sleeps, sleep} = sleeper()
    const pauses = createHostPauses(sleep)
    const first = pauses.postpone('a', 5000, undefined)
    void pauses.postpone('a', 1000, undefined)
    const third = pauses.clear('a', undefined)
    sleeps[1]?.wake()
    expect([await settled(first), await settled(third)]).toEqual([false, false])
    sleeps[0]?.wake()
    expect([await settled(first), await settled(third)]).toEqual([true, true])
  })

  it('does not hold up who is told to stop', async () => {
    const pauses = createHostPauses(sleeper().sleep)
    void pauses.postpone('a', 1000, undefined)
    const stop = new AbortController()
    const waiting = pauses.clear('a', stop.signal)
    stop.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
  })
})

describe('F24 R1 a registry that is busy', () => {
  it.each([429, 503])('is left alone by all stores of the run after a %i', async (status) => {
    const registry = createFakeRegistry()
    let busy = true
    const server = await startFakeServer((request) =>
      busy ? {status, headers: {'retry-after': '7'}} : registry.handler(request),
    )
    const {sleeps, sleep} = sleeper()
    const transport = openTransport({env: {}, home: '/nonexistent', ports: {sleep}})
    const one = openRegistry(server.address, {transport}).store.getManifest('v1')
    await expect.poll(() => sleeps.length).toBe(1)
    busy = false
    const other = openRegistry(server.address, {transport}).store.getManifest('v2')
    expect([await settled(one), await settled(other)]).toEqual([false, false])
    expect([sleeps[0]?.milliseconds, server.requests.length]).toEqual([7000, 1])
    sleeps[0]?.wake()
    expect(await Promise.all([one, other])).toEqual([undefined, undefined])
    expect(server.requests).toHaveLength(3)
  })
})
