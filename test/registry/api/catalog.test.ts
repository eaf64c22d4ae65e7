import {describe, expect, it} from 'vitest'
import {canListRepositories} from '../../../src/store/repository-lister.js'
import {type Handler, startFakeServer} from '../../support/fake-server.js'
import {listed, openRegistry} from '../../support/open-registry.js'

async function list(handler: Handler) {
  const server = await startFakeServer(handler)
  const {store} = openRegistry(server.address)
  if (!canListRepositories(store)) throw new Error('a registry lists its repositories')
  return {server, repositories: listed(store.listRepositories())}
}

describe('listRepositories', () => {
  it('follows the pages and sorts by bytes', async () => {
    const {server, repositories} = await list(({query}) =>
      query.get('last') === null
        ? {
            headers: {link: '</v2/_catalog?last=b&n=2>; rel="next"'},
            body: '{"repositories": ["b", "a/10"]}',
          }
        : {body: '{"repositories": ["a/9", "b"]}'},
    )
    expect(await repositories).toEqual(['a/10', 'a/9', 'b'])
    expect(server.lines()).toEqual(['GET /v2/_catalog?n=1000', 'GET /v2/_catalog?last=b&n=2'])
  })

  it.each([400, 404, 405, 501])('names a registry that answers %i', async (status) => {
    const {repositories, server} = await list(() => ({status}))
    await expect(repositories).rejects.toMatchObject({
      code: 'ERR_INJECT_NO_CATALOG',
      message: `${server.address} does not list its repositories (${status})`,
    })
  })

  it('refuses a list of which a later page is missing', async () => {
    const {repositories} = await list(({query}) =>
      query.get('last') === null
        ? {
            headers: {link: '</v2/_catalog?last=b>; rel="next"'},
            body: '{"repositories": ["b"]}',
          }
        : {status: 404},
    )
    await expect(repositories).rejects.toMatchObject({code: 'ERR_INJECT_REGISTRY_ANSWER_INVALID'})
  })

  it.each(['', '[]', '{"repositories": {}}', '{"repositories": ["../x"]}', '<html>'])(
    'refuses %j',
    async (body) => {
      const {repositories} = await list(() => ({body}))
      await expect(repositories).rejects.toMatchObject({
        code: 'ERR_INJECT_REGISTRY_ANSWER_INVALID',
      })
    },
  )

  it('asks a token server for the right to list them', async () => {
    const {server, repositories} = await list(({path, headers}) => {
      if (path === '/token') return {body: '{"token": "t"}'}
      if (headers.authorization === 'Bearer t') return {body: '{"repositories": ["a"]}'}
      return {status: 401, headers: {'www-authenticate': 'Bearer realm="/token",service="r"'}}
    })
    expect(await repositories).toEqual(['a'])
    const asked = server.requests.find(({path}) => path === '/token')
    expect(asked?.query.get('scope')).toBe('registry:catalog:*')
  })
})
