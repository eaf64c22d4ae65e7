import {describe, expect, it} from 'vitest'
import {type Handler, startFakeServer} from '../../support/fake-server.js'
import {listed, openRegistry} from '../../support/open-registry.js'

async function list(handler: Handler) {
  const server = await startFakeServer(handler)
  const {store} = openRegistry(server.address)
  return {server, tags: listed(store.listTags())}
}

describe('a list of tags without end', () => {
  it('ends on a registry whose list does not', async () => {
    let page = 0
    const {server, tags} = await list(() => ({
      headers: {link: `<?last=${++page}>; rel=next`},
      body: '{"tags": ["a"]}',
    }))
    await expect(tags).rejects.toMatchObject({code: 'ERR_INJECT_TOO_MANY_PAGES'})
    expect(server.requests.length).toBeLessThanOrEqual(10_000)
  })

  it('bounds a list by all that its pages say, not only by their number', async () => {
    const name = (page: number, at: number): string => `t${page}-${at}-${'x'.repeat(100)}`
    const {tags: read} = await list(({query}) => {
      const page = Number(query.get('last') ?? 0)
      return {
        headers: {link: `</v2/team/app/tags/list?last=${page + 1}>; rel="next"`},
        body: JSON.stringify({tags: Array.from({length: 30_000}, (_, at) => name(page, at))}),
      }
    })
    await expect(read).rejects.toMatchObject({code: 'ERR_INJECT_LIST_TOO_LONG'})
  }, 60_000)
})
