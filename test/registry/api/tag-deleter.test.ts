import {expect, it} from 'vitest'
import {canDeleteTags} from '../../../src/store/tag-deleter.js'
import {type Answer, startFakeServer} from '../../support/fake-server.js'
import {openRegistry} from '../../support/open-registry.js'

async function remove(answer: Answer) {
  const server = await startFakeServer(() => answer)
  const {store} = openRegistry(server.address)
  if (!canDeleteTags(store)) throw new Error('a registry deletes tags')
  return {server, outcome: store.deleteTag('v1')}
}

it.each([
  [200, 'deleted'],
  [202, 'deleted'],
  [204, 'deleted'],
  [404, 'absent'],
  [400, 'refused'],
  [401, 'refused'],
  [403, 'refused'],
  [405, 'refused'],
  [501, 'refused'],
] as const)(
  'an answer of %i to the deletion of a tag means that it is %s',
  async (status, what) => {
    const {server, outcome} = await remove({status})
    expect(await outcome).toBe(what)
    // after a 401 without a challenge /v2/ is asked for one
    const asked = server.lines().filter((line) => line !== 'GET /v2/')
    expect(new Set(asked)).toEqual(new Set(['DELETE /v2/team/app/manifests/v1']))
  },
)

it('a registry that fails is tried again, and is an error in the end', async () => {
  const {server, outcome} = await remove({status: 503})
  await expect(outcome).rejects.toMatchObject({name: 'NetworkError'})
  expect(server.requests.length).toBeGreaterThan(1)
})
