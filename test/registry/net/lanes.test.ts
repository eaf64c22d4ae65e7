import {describe, expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {createLanes} from '../../../src/registry/net/lanes.js'
import {openTransport} from '../../../src/registry/net/open-transport.js'
import {createFakeRegistry} from '../../support/fake-registry.js'
import {startFakeServer} from '../../support/fake-server.js'
import {largeChunks, openRegistry, sourceOf} from '../../support/open-registry.js'

const pending = Symbol('pending')
const state = async (promise: Promise<unknown>): Promise<unknown> =>
  Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve(pending), 5))])

describe('the lanes of a host', () => {
  it('take so many, and the next in turn', async () => {
    const lanes = createLanes(2)
    const [first, second] = await Promise.all([
      lanes.enter('a', 'ask', undefined),
      lanes.enter('a', 'ask', undefined),
    ])
    const third = lanes.enter('a', 'ask', undefined)
    const fourth = lanes.enter('a', 'ask', undefined)
    expect(await state(third)).toBe(pending)
    expect(await state(lanes.enter('b', 'ask', undefined))).not.toBe(pending)
    expect(await state(lanes.enter('a', 'send', undefined))).not.toBe(pending)
    first()
    expect([await state(third), await state(fourth)]).toEqual([expect.any(Function), pending])
    second()
    expect(await state(fourth)).toEqual(expect.any(Function))
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
    expect(await state(lanes.enter('a', 'ask', undefined))).toEqual(expect.any(Function))
  })
})

describe('a registry', () => {
  it('gets at most so many requests at once, over as many connections', async () => {
    const registry = createFakeRegistry()
    let now = 0
    let most = 0
    const server = await startFakeServer(async (request) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setTimeout(resolve, 5))
      now--
      return registry.handler(request)
    })
    const transport = openTransport({env: {}, home: '/nonexistent', parallel: 3})
    const {store} = openRegistry(server.address, {transport})
    const digests = Array.from({length: 20}, (_, index) => digestOf(Buffer.from([index])))
    await Promise.all(digests.map((digest) => store.statBlob(digest)))
    expect([most, server.connections()]).toEqual([3, 3])
    // an answer that is being read is counted no more, so that its reader may ask for something
    // else
    const uploads = [0, 1, 2, 3].map(() => store.putBlob(sourceOf(...largeChunks())))
    await Promise.all(uploads)
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
