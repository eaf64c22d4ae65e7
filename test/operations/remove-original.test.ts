import {expect, it} from 'vitest'
import {AuthenticationError, NetworkError} from '../../src/errors.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {injectionRequest} from '../support/update-options.js'

/** `remove` of an image whose original fails to be read with `failure`. */
async function run(failure: Error) {
  const store = createMemoryStore('registry.example/app')
  const {digest: original} = await putImage(store, {layers: [smallLayer('base')]})
  const request = injectionRequest({reference: parseReference('registry.example/app:v1')})
  await setup(request, operationPorts(store))
  const before = await store.statManifest('v1')
  const failing = operationPorts({
    ...store,
    getManifest: (name, call) =>
      name === original ? Promise.reject(failure) : store.getManifest(name, call),
  })
  const outcome = await remove(request, failing).catch((error: unknown) => error)
  return {outcome, hasMoved: (await store.statManifest('v1')) !== before}
}

it('P10 a registry that cannot tell what the original was is an error, and not a reason to publish something else', async () => {
  const failure = new NetworkError('ERR_INJECT_NETWORK', 'reset')
  expect(await run(failure)).toEqual({outcome: failure, hasMoved: false})
})

it('an original that must not be read is left for an equivalent image', async () => {
  const {outcome, hasMoved} = await run(new AuthenticationError('ERR_INJECT_DENIED', 'refused'))
  expect(outcome).toMatchObject({original: false})
  expect(hasMoved).toBe(true)
})
