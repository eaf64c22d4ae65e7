import {describe, expect, it} from 'vitest'
import {type Handler, startFakeServer} from '../../support/fake-server.js'
import {listed, openRegistry} from '../../support/open-registry.js'

async function list(handler: Handler) {
  const server = await startFakeServer(handler)
  const {store} = openRegistry(server.address)
  return {server, tags: listed(store.listTags())}
}

describe('listTags', () => {
  it('follows the pages and sorts by bytes', async () => {
    const {server, tags} = await list(({query}) => {
      const last = query.get('last')
      return last === null
        ? {
            headers: {link: '</v2/team/app/tags/list?last=b&n=2>; rel="next"'},
            body: '{"tags": ["b", "a10"]}',
          }
        : {body: '{"tags": ["a9", "B", "b", "_x"]}'}
    })
    expect(await tags).toEqual(['B', '_x', 'a10', 'a9', 'b'])
    expect(server.lines()).toEqual([
      'GET /v2/team/app/tags/list?n=1000',
      'GET /v2/team/app/tags/list?last=b&n=2',
    ])
  })

  it.each([
    ['null', {body: '{"name": "x", "tags": null}'}],
    ['missing', {body: '{"name": "x"}'}],
    ['empty', {body: '{"tags": []}'}],
    ['404', {status: 404, body: '{"errors": [{"code": "NAME_UNKNOWN"}]}'}],
  ])('has none for a list that is %s', async (_, answer) => {
    expect(await (await list(() => answer)).tags).toEqual([])
  })

  it('takes a link backwards for the end', async () => {
    const link = '</v2/team/app/tags/list?last=a>; rel="prev"'
    const {server, tags} = await list(() => ({headers: {link}, body: '{"tags": ["a"]}'}))
    expect(await tags).toEqual(['a'])
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    '',
    '[]',
    'null',
    '5',
    '{"tags": {}}',
    '{"tags": [5]}',
    '{"tags": ["../x"]}',
    '{"tags": ["a\\nb"]}',
    '<html>',
  ])('refuses %j', async (body) => {
    await expect((await list(() => ({body}))).tags).rejects.toMatchObject({
      name: 'IntegrityError',
      code: 'ERR_INJECT_REGISTRY_ANSWER_INVALID',
    })
  })

  it('refuses a page of more than 4 MiB', async () => {
    const {tags} = await list(() => ({body: ' '.repeat(4 * 1024 * 1024 + 1)}))
    await expect(tags).rejects.toMatchObject({name: 'LimitError'})
  })
})
