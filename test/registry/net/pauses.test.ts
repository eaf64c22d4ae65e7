import {describe, expect, it} from 'vitest'
import {createHostPauses} from '../../../src/registry/net/pauses.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {startFakeServer} from '../../support/fake-server.js'
import {isSettled} from '../../support/is-settled.js'
import {openRegistry} from '../../support/open-registry.js'
import {openTransport} from '../../../src/registry/net/open-transport.js'

/** Sleeps that end when the test says so. */
const sleeper = () => {
  const sleeps: {readonly milliseconds: number; readonly wake: () => void}[] = []
  const sleep = (milliseconds: number): Promise<void> =>
    new Promise((wake) => sleeps.push({milliseconds, wake}))
  return {sleeps, sleep}
}

describe('the pauses that a host asks for', () => {
  it('is kept by everybody who asks it, and by nobody else', async () => {
    const {sleeps, sleep} = sleeper()
    const pauses = createHostPauses(sleep)
    const first = pauses.postpone('a', 1000, undefined)
    const second = pauses.clear('a', undefined)
    expect(await isSettled(pauses.clear('b', undefined))).toBe(true)
    expect([await isSettled(first), await isSettled(second)]).toEqual([false, false])
    sleeps[0]?.wake()
    expect([await isSettled(first), await isSettled(second)]).toEqual([true, true])
    expect(await isSettled(pauses.clear('a', undefined))).toBe(true)
  })

  it('is that of the longest wait asked for', async () => {
    const {sleeps, sleep} = sleeper()
    const pauses = createHostPauses(sleep)
    const first = pauses.postpone('a', 5000, undefined)
    void pauses.postpone('a', 1000, undefined)
    const third = pauses.clear('a', undefined)
    sleeps[1]?.wake()
    expect([await isSettled(first), await isSettled(third)]).toEqual([false, false])
    sleeps[0]?.wake()
    expect([await isSettled(first), await isSettled(third)]).toEqual([true, true])
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
    expect([await isSettled(one), await isSettled(other)]).toEqual([false, false])
    // whatever had been sent would be there before what is sent now
    await fetch(`http://${server.address}/another`)
    expect(server.lines()).toEqual([expect.stringContaining('v1'), 'GET /another'])
    expect(sleeps[0]?.milliseconds).toBe(7000)
    sleeps[0]?.wake()
    expect(await Promise.all([one, other])).toEqual([undefined, undefined])
    expect(server.requests).toHaveLength(4)
  })
})
