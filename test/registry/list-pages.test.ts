import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociIndex} from '../../src/oci/media-type.js'
import {copy} from '../../src/operations/copy/copy.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {listReferrers} from '../../src/store/list-referrers.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {type Answer, startFakeServer} from '../support/fake-server.js'
import {listed, openRegistry} from '../support/open-registry.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'

const subject = digestOf(Buffer.from('subject'))
const entry = {
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  digest: digestOf(Buffer.from('signature')),
  size: 9,
}

interface List {
  readonly path: string
  readonly page: Answer
  readonly read: (store: ContentStore) => Promise<unknown>
}

const lists: readonly (readonly [string, List])[] = [
  [
    'tags',
    {
      path: '/v2/team/app/tags/list',
      page: {body: '{"tags": ["a"]}'},
      read: (store) => listed(store.listTags()),
    },
  ],
  [
    'referrers',
    {
      path: `/v2/team/app/referrers/${subject}`,
      page: {
        headers: {'content-type': ociIndex},
        body: JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: [entry]}),
      },
      read: (store) => listReferrers(store, subject, {}),
    },
  ],
]

const html = {status: 200, headers: {'content-type': 'text/html'}, body: '<html>Log in</html>'}

function withLink({headers, body}: Answer, link: string): Answer {
  return {headers: {...headers, link}, ...(body !== undefined && {body})}
}

describe.each(lists)('B5 a list of %s', (_, {path, page, read}) => {
  it.each([
    ['a 404', {status: 404}],
    ['a 404 as registries have it', {status: 404, body: '{"errors":[{"code":"NAME_UNKNOWN"}]}'}],
    ['a web page', html],
    ['a web page with 404', {...html, status: 404}],
    ['nothing', {status: 204}],
    ['JSON of something else', {headers: {'content-type': 'application/json'}, body: '[]'}],
    ['405', {status: 405}],
    ['400', {status: 400}],
  ] as const)('is an error when its second page is %s', async (_kind, second) => {
    const server = await startFakeServer(({query}) =>
      query.has('next') ? second : withLink(page, `<${path}?next=2>; rel="next"`),
    )
    const {store} = openRegistry(server.address)
    await expect(read(store)).rejects.toMatchObject({
      code: expect.stringMatching(/REGISTRY_ANSWER|NOT_FOUND/) as string,
    })
    expect(server.lines().some((line) => line.includes('next=2'))).toBe(true)
  })

  it.each([
    ['elsewhere', '<https://evil.example/v2/x>; rel="next"', /at another host/],
    ['on another port', '<http://127.0.0.1:1/v2/x>; rel="next"', /at another host/],
    ['to a file', '<file:///etc/passwd>; rel="next"', /at another host/],
    ['to itself', '<>; rel="next"', /read already/],
    ['to nothing', '<http://>; rel="next"', /not an address/],
    ['that cannot be read', '/v2/team/app/tags/list?last=a; rel="next"', /cannot be read/],
  ])('is an error when its link goes %s, and is not followed', async (_kind, link, message) => {
    const server = await startFakeServer(() => withLink(page, link))
    const {store} = openRegistry(server.address)
    await expect(read(store)).rejects.toMatchObject({
      code: 'ERR_INJECT_REGISTRY_ANSWER_INVALID',
      message: expect.stringMatching(message) as string,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('is an error when its links go round in a circle', async () => {
    const server = await startFakeServer(({query}) => {
      const next = query.get('next') === '2' ? '1' : '2'
      return withLink(page, `<${path}?next=${next}>; rel="next"`)
    })
    const {store} = openRegistry(server.address)
    await expect(read(store)).rejects.toThrow(/read already/)
    expect(server.requests.length).toBeLessThan(5)
  })
})

describe('B5 copy --all-tags', () => {
  async function source(fault: Parameters<typeof createFakeRegistry>[0]) {
    const registry = createFakeRegistry(fault)
    const server = await startFakeServer(registry.handler)
    const store = openRegistryStore(
      {registry: server.url.host, repository: 'team/app'},
      {env: {}, home: '/nonexistent'},
    )
    await putImage(store, {layers: [smallLayer('a')], tag: 'one'})
    await putImage(store, {layers: [smallLayer('b')], tag: 'two'})
    const target = createMemoryStore('oci:target')
    const ports = operationPorts(target)
    const run = copy(
      {
        source: parseReference(`${server.url.host}/team/app`),
        target: parseReference('oci:target'),
        tags: [],
        allTags: true,
        referrers: false,
        noClobber: false,
        dryRun: false,
      },
      {
        ...ports,
        openStore: ({kind}) => Promise.resolve(kind === 'registry' ? store : target),
      },
    )
    return {run, target, said: ports.said}
  }

  it('copies nothing when a page of the list is lost', async () => {
    const {run, target} = await source({
      fault: ({path, query}) => {
        if (!path.endsWith('/tags/list')) return undefined
        if (query.has('next')) return {status: 404}
        return {headers: {link: `<${path}?next=2>; rel="next"`}, body: '{"tags": ["one"]}'}
      },
    })
    await expect(run).rejects.toMatchObject({code: 'ERR_INJECT_REGISTRY_ANSWER_INVALID'})
    expect(await listed(target.listTags())).toEqual([])
  })

  it('says which tag is in the list and not there', async () => {
    const {run, target, said} = await source({
      fault: ({method, path}) =>
        method === 'GET' && path.endsWith('/manifests/two') ? {status: 404} : undefined,
    })
    await run
    expect(await listed(target.listTags())).toEqual(['one'])
    expect(said.join('\n')).toContain('tag "two" is in the list')
  })
})
