import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {largeChunks, openRegistry, sourceOf} from '../support/open-registry.js'

const large = {digest: digestOf(Buffer.concat(largeChunks())), size: 9 * 1024 * 1024}

it('B11 the last error of an upload that no way worked for keeps its cause and its hint', async () => {
  const server = await startFakeServer(
    createFakeRegistry({
      fault: ({method}) =>
        method === 'PUT' ? {stall: true} : method === 'PATCH' ? {status: 405} : undefined,
    }).handler,
  )
  const {store} = openRegistry(server.address, {
    timeouts: {connect: 5000, response: 300, commit: 300, idle: 5000},
  })
  await expect(store.putBlob(sourceOf(...largeChunks()), {expected: large})).rejects.toMatchObject({
    name: 'NetworkError',
    code: 'ERR_INJECT_NETWORK',
    hint: 'check host and port, and what is between here and there',
    cause: {name: 'TransportError', code: 'ETIMEDOUT'},
  })
})

it('P10 a blob whose HEAD answers 404 after a PUT that was not sure is asked for by GET', async () => {
  const bytes = Buffer.from('some bytes')
  const registry = createFakeRegistry({
    fault: ({method, path}) => {
      if (method === 'HEAD') return {status: 404}
      if (method !== 'PUT') return undefined
      registry.blobs.set(digestOf(bytes), bytes)
      return path.includes('/uploads/') ? {status: 202} : undefined
    },
  })
  const server = await startFakeServer(registry.handler)
  const {store} = openRegistry(server.address)
  const expected = {digest: digestOf(bytes), size: bytes.length}
  expect(await store.putBlob(sourceOf(bytes), {expected})).toEqual({...expected, written: true})
})
