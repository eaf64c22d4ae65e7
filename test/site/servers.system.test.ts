import {execa} from 'execa'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {expect, it} from 'vitest'
import {commitToSite} from '../../src/site/commit.js'
import {createSiteBlobs} from '../../src/site/blobs.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf} from '../../src/oci/digest.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {copyContent, noCounts} from '../../src/store/copy/content.js'
import {planCopy} from '../../src/store/copy/plan.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {inject, injectJson} from '../support/cli.js'
import {bytesSource, makeLayoutImage} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {createMemoryRoot} from '../support/memory-root.js'
import {skopeoCopy} from '../support/busybox-image.js'
import {
  type RequestOptions,
  type Response,
  send,
  serveRegistry,
} from '../support/served-registry.js'
import {partsOf} from '../support/multipart.js'
import {expectSound, publishFrom, putIndexOver, putText} from '../support/site.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {webServers} from '../support/web-servers.js'

const name = 'team/app'

/** Images of all kinds in a store, and the same in a site. */
async function publishAll() {
  const site = join(await tempDir(), 'site')
  const store = createMemoryStore()
  const image = await putText(store, 'some layer', {tag: 'image'})
  const members = {subject: image, artifactType: 'application/x', annotations: {a: 'ü'}}
  const signature = await putText(store, 'signature', {members})
  await putIndexOver(store, [signature], `sha256-${image.digest.slice(7)}`)
  await publishFrom(store, site, {from: 'image', referrers: true})
  await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64/v8'], attestations: true})
  await publishFrom(store, site)
  const docker = createMemoryStore()
  await putIndex(docker, {family: 'docker', platforms: ['linux/amd64', 'linux/arm64/v8']})
  await publishFrom(docker, site, {tags: ['docker.list-1']})
  return {site, stores: [store, docker] as const, image, signature}
}

type Published = Awaited<ReturnType<typeof publishAll>>

/** The same in a registry of ours. */
async function serveAll({stores: [store, docker], signature}: Published): Promise<string> {
  const root = createMemoryRoot()
  const {address} = await serveRegistry({root, readOnly: true})
  const repository = await root.createRepository(name)
  const push = async (from: ContentStore, reference: string, tag?: string): Promise<void> => {
    const stored = (await from.getManifest(reference))!
    const plan = await planCopy(from, [stored])
    await copyContent(from, repository, plan, {progress: {done: new Set(), counts: noCounts()}})
    const tags = tag === undefined ? [] : [{tag, from: undefined}]
    await repository.putManifest(stored.bytes, stored.descriptor.mediaType, {tags})
  }
  await push(store, 'image', 'image')
  await push(store, signature.digest)
  await push(store, 'v1', 'v1')
  await push(docker, 'v1', 'docker.list-1')
  return address
}

interface ManifestText {
  readonly mediaType: string
  readonly config?: Descriptor
  readonly layers?: readonly Descriptor[]
  readonly manifests?: readonly Descriptor[]
}

interface Row {
  readonly title: string
  readonly path: string
  readonly method?: string
  readonly headers?: RequestOptions['headers']
}

const compared = [
  'content-type',
  'content-length',
  'content-range',
  'accept-ranges',
  'docker-content-digest',
  'etag',
  'x-content-type-options',
  'docker-distribution-api-version',
  'allow',
  'last-modified',
  'location',
]

/** Every request that reads. */
function rows({image}: Published): Row[] {
  const base = `/v2/${name}`
  const layer = digestOf(Buffer.from('some layer'))
  const none = digestOf(Buffer.from('none'))
  const blob = `${base}/blobs/${layer}`
  const etag = `"${image.digest}"`
  const all: Row[] = [
    {title: 'ping', path: '/v2/'},
    {title: 'ping without the slash', path: '/v2'},
    {title: 'catalog', path: '/v2/_catalog'},
    {title: 'tags', path: `${base}/tags/list`},
    {title: 'an image by tag', path: `${base}/manifests/image`},
    {title: 'an index by tag', path: `${base}/manifests/v1`},
    {title: 'a Docker list by a tag with dots', path: `${base}/manifests/docker.list-1`},
    {title: 'by digest', path: `${base}/manifests/${image.digest}`},
    {title: 'referrers', path: `${base}/referrers/${image.digest}`},
    {title: 'referrers of nothing', path: `${base}/referrers/${none}`},
    {title: 'a blob', path: blob},
    {
      title: 'a manifest the client has',
      path: `${base}/manifests/image`,
      headers: {'if-none-match': etag},
    },
    {
      title: 'a manifest of a list the client has',
      path: `${base}/manifests/image`,
      headers: {'if-none-match': `"x", W/${etag} , "y"`},
    },
    {
      title: 'whatever there is, which the client has',
      path: `${base}/manifests/image`,
      headers: {'if-none-match': '*'},
    },
    {
      title: 'a manifest the client lacks',
      path: `${base}/manifests/image`,
      headers: {'if-none-match': '"sha256:0"'},
    },
    {title: 'a blob the client has', path: blob, headers: {'if-none-match': `"${layer}"`}},
    {
      title: 'a time that a tag may have gone back from',
      path: `${base}/manifests/image`,
      headers: {'if-modified-since': 'Fri, 01 Jan 2100 00:00:00 GMT'},
    },
    {title: 'a range', path: blob, headers: {range: 'bytes=2-5'}},
    {title: 'the end of a blob', path: blob, headers: {range: 'bytes=-3'}},
    {title: 'a range to the end', path: blob, headers: {range: 'bytes=4-'}},
    {
      title: 'a range of the same blob',
      path: blob,
      headers: {range: 'bytes=2-5', 'if-range': `"${layer}"`},
    },
    {
      title: 'a range of another blob',
      path: blob,
      headers: {range: 'bytes=2-5', 'if-range': '"x"'},
    },
    {title: 'several ranges', path: blob, headers: {range: 'bytes=6-7,0-1,4-4,-1'}},
    {title: 'ranges, some of them beyond', path: blob, headers: {range: 'bytes=0-1,50-,4-4'}},
    {title: 'overlapping ranges', path: blob, headers: {range: `bytes=${'0-,'.repeat(1000)}0-`}},
    {
      title: 'too many ranges',
      path: blob,
      headers: {range: `bytes=${Array.from({length: 1025}, (_, at) => `${at % 9}-9`).join()}`},
    },
    {
      title: 'ranges of another blob',
      path: blob,
      headers: {range: 'bytes=0-1,4-4', 'if-range': '"x"'},
    },
    {
      title: 'a compressed answer',
      path: `${base}/manifests/image`,
      headers: {'accept-encoding': 'gzip'},
    },
    {title: 'no such blob', path: `${base}/blobs/${none}`},
    {title: 'no such tag', path: `${base}/manifests/none`},
    {title: 'no such digest', path: `${base}/manifests/${none}`},
    {title: 'no such endpoint', path: `${base}/none`},
  ]
  const reads = all.flatMap((row) => [row, {...row, title: `HEAD: ${row.title}`, method: 'HEAD'}])
  const upload = {title: 'write: an upload', method: 'POST', path: `${base}/blobs/uploads/`}
  const writes = ['POST', 'PUT', 'PATCH', 'DELETE'].map((method) => {
    return {title: `write: ${method} of a manifest`, method, path: `${base}/manifests/image`}
  })
  return [...reads, upload, ...writes]
}

/**
 * What static servers answer in another way than `inject serve`; each is a line of docs/publish.md.
 */
const differences: readonly {
  readonly of: RegExp
  readonly in: readonly (keyof typeof webServers)[]
  readonly fields: readonly string[]
}[] = [
  {of: /no such|write:/, in: ['nginx', 'apache2'], fields: ['text', 'content-length']},
  // there is nothing that can be done to an upload here
  {of: /an upload/, in: ['nginx', 'apache2'], fields: ['allow']},
  {of: /client has/, in: ['nginx'], fields: ['content-type', 'accept-ranges', 'content-length']},
  {
    of: /client has/,
    in: ['apache2'],
    fields: ['content-type', 'accept-ranges', 'docker-content-digest', 'location'],
  },
  {
    of: /HEAD: .*(?:range|end of)/,
    in: ['nginx', 'apache2'],
    fields: ['status', 'content-type', 'content-length', 'content-range', 'accept-ranges'],
  },
  {of: /range|end of/, in: ['nginx'], fields: ['accept-ranges']},
  {of: /overlapping/, in: ['nginx'], fields: ['status', 'content-range']},
]

/** What of an answer is compared, as lines. */
function shown({status, headers, body, code}: Response): Record<string, unknown> {
  const text = code === undefined ? {body: body.toString()} : {text: body.toString()}
  const own = Object.fromEntries(compared.map((each) => [each, headers[each]]))
  if (body.length === 0 || !headers['content-type']?.startsWith('multipart/'))
    return {status, code, ...text, ...own}
  // the boundary is random
  const parts = partsOf({status, headers, body, code, json: () => undefined})
  const ranges = parts.map((part) => `${part.first}-${part.last}:${part.body.toString()}`).join()
  const type = 'multipart/byteranges'
  return {status, code, ...own, body: ranges, 'content-type': type, 'content-length': undefined}
}

for (const server of ['nginx', 'apache2'] as const) {
  describeWith([server, 'skopeo'], `a site that ${server} serves`, () => {
    it('P18 answers every request as inject serve does', async () => {
      const published = await publishAll()
      const ours = await serveAll(published)
      const theirs = await webServers[server](published.site)
      const found: string[] = []
      for (const {title, method = 'GET', path, headers = {}} of rows(published)) {
        const left = differences.filter((each) => each.of.test(title) && each.in.includes(server))
        const fields = left.flatMap((each) => each.fields)
        const [one, other] = await Promise.all(
          [ours, theirs].map((address) => send(address, method, path, {headers})),
        )
        const [expected, given] = [shown(one!), shown(other!)]
        for (const field of new Set([...Object.keys(expected), ...Object.keys(given)]))
          if (!fields.includes(field) && expected[field] !== given[field])
            found.push(`${title}: ${field}: ${String(expected[field])} <> ${String(given[field])}`)
      }
      expect(found).toEqual([])
    })

    it('shows nothing but what the API has', async () => {
      const {site, image} = await publishAll()
      const address = await webServers[server](site)
      const hidden = [
        `/v2/${name}/manifests/.all/v1/location`,
        `/v2/${name}/manifests/.all/${image.digest}/manifest.oci-manifest`,
        `/v2/${name}/manifests/.all/`,
        `/v2/${name}/manifests/`,
        `/v2/${name}`,
        `/v2/${name}/blobs/`,
        '/v2/_errors/blob-unknown',
        '/v2/index.html',
        `/v2/${name}/manifests/..%2f..%2f..%2f..%2f.inject-site`,
        `/v2/${name}/manifests/%2e%2e`,
        `/v2/../.inject-site/pool`,
      ]
      for (const path of hidden) {
        const {status} = await send(address, 'GET', path)
        expect(status, path).toBeGreaterThan(300)
      }
    })

    it('gives skopeo everything, byte for byte', async () => {
      const {site, stores} = await publishAll()
      const address = await webServers[server](site)
      for (const [tag, format, store, source] of [
        ['v1', 'oci', stores[0], 'v1'],
        ['image', 'oci', stores[0], 'image'],
        ['docker.list-1', 'v2s2', stores[1], 'v1'],
      ] as const) {
        const out = join(await tempDir(), 'out')
        await skopeoCopy(`docker://${address}/${name}:${tag}`, `dir:${out}`, '--all')
        const {stdout} = await execa(
          'skopeo',
          ['inspect', '--raw', '--tls-verify=false', `docker://${address}/${name}:${tag}`],
          {stripFinalNewline: false},
        )
        expect(digestOf(Buffer.from(stdout)), format).toBe((await store.statManifest(source))!)
      }
      const {stdout} = await execa('skopeo', [
        'list-tags',
        '--tls-verify=false',
        `docker://${address}/${name}`,
      ])
      expect((JSON.parse(stdout) as {Tags: string[]}).Tags).toEqual([
        'docker.list-1',
        'image',
        'v1',
      ])
    })

    it('is a registry for inspect, unpack and copy, with the referrers', async () => {
      const folder = await tempDir()
      const image = await makeLayoutImage(folder)
      const dir = join(folder, 'dir')
      const changed = `oci:${join(folder, 'images')}:changed`
      await injectJson(['setup', image, '--tag', 'changed'])
      const site = join(folder, 'site')
      const published = await injectJson(['publish', changed, site, '--name', name])
      const address = await webServers[server](site)
      const remote = `${address}/${name}:changed`
      const found = await injectJson(['inspect', remote])
      expect(found['digest']).toBe(published['digest'])
      expect((await inject(['unpack', remote, dir])).exitCode).toBe(0)
      const out = `oci:${join(folder, 'out')}:v1`
      expect(await injectJson(['copy', remote, out])).toMatchObject({digest: published['digest']})
      const written = await inject(['copy', out, `${address}/${name}:v2`])
      expect([written.exitCode, written.stderr]).toEqual([3, expect.stringContaining('read-only')])
    })

    it('a tag moved 200 times while 8 clients pull: no pull fails, none is a mix', async () => {
      const site = join(await tempDir(), 'site')
      const store = createMemoryStore()
      // images, indexes and Docker's, so that everything about the answer changes
      const kinds = [
        await putText(store, 'layer of 0', {tag: 'k0'}),
        await putIndexOver(store, [await putText(store, 'layer of 1')], 'k1'),
        await putText(store, 'layer of 2', {tag: 'k2'}),
      ]
      for (const from of ['k0', 'k1', 'k2']) await publishFrom(store, site, {from})
      const move = (at: number) => {
        const tags = [{tag: 'moving', digest: kinds[at % 3]!.digest}]
        return commitToSite(site, {name, manifests: [], blobs: [], tags}, {})
      }
      await move(0)
      const address = await webServers[server](site)
      const known = new Set<string>(kinds.map(({digest}) => digest))
      const seen = new Set<string>()
      const pull = async (reference: string, kind: 'manifests' | 'blobs'): Promise<void> => {
        const {status, headers, body} = await send(
          address,
          'GET',
          `/v2/${name}/${kind}/${reference}`,
        )
        const digest = digestOf(body)
        expect([status, headers['docker-content-digest'], headers.etag]).toEqual([
          200,
          digest,
          `"${digest}"`,
        ])
        if (kind === 'blobs') return
        if (!reference.includes(':')) expect(known.has(digest)).toBe(true)
        seen.add(digest)
        const value = JSON.parse(body.toString()) as ManifestText
        expect(headers['content-type']).toBe(value.mediaType)
        for (const child of value.manifests ?? []) await pull(child.digest, 'manifests')
        for (const blob of value.layers ?? []) await pull(blob.digest, 'blobs')
        if (value.config) await pull(value.config.digest, 'blobs')
      }
      let moving = true
      let pulls = 0
      const client = async (): Promise<void> => {
        for (; moving; pulls++) {
          await pull('moving', 'manifests')
          // the mover is of this process, too
          await sleep(10)
        }
      }
      const clients = Promise.all(Array.from({length: 8}, client))
      const mover = async (): Promise<void> => {
        for (let at = 1; at <= 200; at++) await move(at)
      }
      await Promise.race([clients, mover()]).finally(() => (moving = false))
      await clients
      expect(pulls).toBeGreaterThan(8)
      expect(seen.size).toBeGreaterThan(1)
      await expectSound(site)
    }, 120_000)
  })
}

describeWith(['nginx'], 'what nobody has named yet', () => {
  it('is not served before it is complete, and blobs of an unfinished publication harm nobody', async () => {
    const {site} = await publishAll()
    const address = await webServers.nginx(site)
    const bytes = Buffer.from('not yet')
    const expected = {digest: digestOf(bytes), size: bytes.length}
    const path = `/v2/new/name/blobs/${expected.digest}`
    expect((await send(address, 'GET', path)).status).toBe(404)
    await createSiteBlobs(site, 'new/name').putBlob(bytesSource(bytes), {expected})
    expect((await send(address, 'GET', path)).body.toString()).toBe('not yet')
    expect((await send(address, 'GET', '/v2/new/name/tags/list')).code).toBe('NAME_UNKNOWN')
    const {body} = await send(address, 'GET', '/v2/_catalog')
    expect(body.toString()).toBe(`{"repositories":["${name}"]}`)
  })
})
