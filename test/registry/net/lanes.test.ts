import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {createLanes} from '../../../src/registry/net/lanes.js'
import {openTransport} from '../../../src/registry/net/open-transport.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {startFakeServer} from '../../support/fake-server.js'
import {isSettled} from '../../support/is-settled.js'
import {largeChunks, openRegistry, sourceOf} from '../../support/open-registry.js'

describe('the lanes of a host', () => {
  it('take so many, and the next in turn', async () => {
    const lanes = createLanes(2)
    const [first, second] = await Promise.all([
      lanes.enter('a', 'ask', undefined),
      lanes.enter('a', 'ask', undefined),
    ])
    const third = lanes.enter('a', 'ask', undefined)
    const fourth = lanes.enter('a', 'ask', undefined)
    expect(await isSettled(third)).toBe(false)
    expect(await isSettled(lanes.enter('b', 'ask', undefined))).toBe(true)
    expect(await isSettled(lanes.enter('a', 'send', undefined))).toBe(true)
    first()
    expect([await isSettled(third), await isSettled(fourth)]).toEqual([true, false])
    second()
    expect(await isSettled(fourth)).toBe(true)
  })

  it('forget who is told to stop, and lose no place by it', async () => {
    const lanes = createLanes(1)
    const leave = await lanes.enter('a', 'ask', undefined)
    const stop = new AbortController()
    const impatient = lanes.enter('a', 'ask', stop.signal)
    const patient = lanes.enter('a', 'ask', undefined)
    stop.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    leave()
    ;(await patient)()
    expect(await isSettled(lanes.enter('a', 'ask', undefined))).toBe(true)
  })
})

describe('a registry', () => {
  it('gets at most so many requests at once, over as many connections', async () => {
    const registry = createFakeRegistry()
    let now = 0
    let most = 0
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const server = await startFakeServer(async (request) => {
      if (request.path === '/another') return {}
      most = Math.max(most, ++now)
      await gate
      now--
      return registry.handler(request)
    })
    const transport = openTransport({env: {}, home: '/nonexistent', parallel: 3})
    const {store} = openRegistry(server.address, {transport})
    const digests = Array.from({length: 20}, (_, index) => digestOf(Buffer.from([index])))
    const answers = Promise.all(digests.map((digest) => store.statBlob(digest)))
    await expect.poll(() => now).toBe(3)
    // whatever had been sent beside these would be there before what is sent now
    await fetch(`http://${server.address}/another`)
    expect([most, server.connections()]).toEqual([3, 4])
    open()
    await answers
    expect([most, server.connections()]).toEqual([3, 4])
    // an answer that is being read is counted no more, so that its reader may ask for something
    // else
    const uploads = [0, 1, 2, 3].map(() => store.putBlob(sourceOf(...largeChunks())))
    expect(await Promise.all(uploads)).toHaveLength(4)
  })

  it('may be asked while all places for uploads are taken by uploads that wait for an answer', async () => {
    const registry = createFakeRegistry()
    const server = await startFakeServer(registry.handler)
    const transport = openTransport({env: {}, home: '/nonexistent', parallel: 1})
    const {store} = openRegistry(server.address, {transport})
    // more than what is held back before anything is sent
    const chunks = [...largeChunks(), ...largeChunks(), ...largeChunks()]
    const source = {
      // an upload whose bytes come from the same registry
      async *open() {
        for (const chunk of chunks) {
          await store.statManifest('v1')
          yield chunk
        }
      },
    }
    expect(await store.putBlob(source)).toMatchObject({written: true})
  })
})
