import {execa} from 'execa'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {ociIndex, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {bytesSource} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {listed, openRegistry} from '../support/open-registry.js'
import {putBareImage} from '../support/put-documents.js'
import {recordRequests, type RecordedRequest} from '../support/recording-proxy.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const platforms = ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v7']
const accept = [ociIndex, ociManifest].join(', ')

/** An image of plain layers of these sizes, no two of them alike. */
async function putLarge(store: ContentStore, sizes: readonly number[], more: object = {}) {
  const layers = []
  for (const [at, size] of sizes.entries()) {
    const bytes = Buffer.alloc(size, `layer ${at} `)
    const {digest} = await store.putBlob(bytesSource(bytes))
    layers.push({mediaType: ociLayer, digest, size})
  }
  const diffIds = layers.map(({digest}) => digest)
  return putBareImage(store, layers, diffIds, more)
}

/** An artifact that refers to a manifest. */
async function putArtifact(
  store: ContentStore,
  subject: object | undefined,
  text: string,
  tag?: string,
) {
  const {digest, size} = await store.putBlob(bytesSource(Buffer.from(text)))
  const empty = await store.putBlob(bytesSource(Buffer.from('{}')))
  const manifest = {
    schemaVersion: 2,
    mediaType: ociManifest,
    artifactType: 'application/vnd.example',
    config: {mediaType: 'application/vnd.oci.empty.v1+json', digest: empty.digest, size: 2},
    layers: [{mediaType: 'text/plain', digest, size}],
    subject,
  }
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return store.putManifest(Buffer.from(JSON.stringify(manifest)), ociManifest, {tags})
}

const sentBlobs = (requests: readonly RecordedRequest[]) =>
  requests.filter(({method, path}) => ['PUT', 'PATCH'].includes(method) && /uploads\//.test(path))
const bytesOf = (requests: readonly RecordedRequest[]) =>
  sentBlobs(requests).reduce((sum, {bytes}) => sum + bytes, 0)
const manifestAt = (address: string, name: string, reference: string) =>
  send(address, 'GET', `/v2/${name}/manifests/${reference}`, {headers: {accept}})

const registries: [string, () => Promise<string>][] = [
  ['inject serve', async () => (await serveRegistry()).address],
  ['docker-registry', async () => (await startDockerRegistry()).address],
]

describeWith(['docker-registry', 'skopeo', 'umoci'], 'inject copy', () => {
  describe.each(registries)('with %s', (_, start) => {
    it('an index goes to another registry byte for byte, with all that is in it', async () => {
      const [from, to] = [await start(), await start()]
      await putIndex(openRegistry(from).store, {platforms, attestations: true})
      const first = await injectJson(['copy', `${from}/team/app:v1`, `${to}/other/name:v2`])
      expect(first).toMatchObject({
        copied: [{tags: ['v2']}],
        manifests: 7,
        blobs: {copied: 10, mounted: 0, present: 0},
      })
      const [before, after] = [
        await manifestAt(from, 'team/app', 'v1'),
        await manifestAt(to, 'other/name', 'v2'),
      ]
      expect(after.body).toEqual(before.body)
      expect(after.headers['content-type']).toBe(before.headers['content-type'])
      expect(first['digest']).toBe(digestOf(after.body))

      const again = await injectJson(['copy', `${from}/team/app:v1`, `${to}/other/name:v2`])
      expect(again).toMatchObject({copied: [{tags: []}], blobs: {copied: 0, present: 10, bytes: 0}})
    })

    it('is read by skopeo and umoci', async () => {
      const [from, to] = [await start(), await start()]
      await putIndex(openRegistry(from).store, {platforms, attestations: true})
      await injectJson(['copy', `${from}/team/app:v1`, `${to}/team/app`])
      const folder = await tempDir()
      const skopeo = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false']
      await execa('skopeo', [
        ...skopeo,
        '--all',
        `docker://${to}/team/app:v1`,
        `oci:${folder}/all:v1`,
      ])
      expect(readdirSync(join(folder, 'all/blobs/sha256'))).toHaveLength(17)
      await injectJson(['copy', `${to}/team/app:v1`, `oci:${folder}/one`, '-p', 'linux/amd64'])
      const {stdout} = await execa('umoci', ['stat', '--json', '--image', `${folder}/one:v1`])
      expect(JSON.parse(stdout)).toMatchObject({history: [{created_by: 'base'}]})
    })

    it('within a registry not a byte of a layer is sent', async () => {
      const address = await start()
      await putLarge(openRegistry(address).store, [3_000_000, 2_000_000, 1_000_000])
      const proxy = await recordRequests(address)
      const result = await injectJson([
        'copy',
        `${proxy.address}/team/app:v1`,
        `${proxy.address}/other/app`,
      ])
      expect(result).toMatchObject({blobs: {copied: 0, mounted: 4, bytes: 0}})
      expect(bytesOf(proxy.requests)).toBe(0)
      expect(
        proxy.requests.some(
          ({path}) => path.includes('blobs/sha256:') && !path.startsWith('/v2/other'),
        ),
      ).toBe(false)
    })

    it('within a repository only the manifest is read and put', async () => {
      const address = await start()
      await putIndex(openRegistry(address).store, {platforms})
      const proxy = await recordRequests(address)
      const image = `${proxy.address}/team/app`
      await injectJson(['copy', `${image}:v1`, `${image}:v2`, '--tag', 'v3'])
      expect(proxy.requests.filter(({path}) => path.includes('blobs'))).toEqual([])
      expect(proxy.requests.filter(({method}) => method === 'PUT').map(({path}) => path)).toEqual(
        ['v2', 'v3'].map((tag) => `/v2/team/app/manifests/${tag}`),
      )
      expect((await manifestAt(address, 'team/app', 'v3')).body).toEqual(
        (await manifestAt(address, 'team/app', 'v1')).body,
      )
    })

    it('killed on the way, it sends the rest when it is run again, and no tag has moved', async () => {
      const [from, to] = [await start(), await start()]
      const sizes = Array.from({length: 12}, (_, at) => 100_000 + at)
      await putLarge(openRegistry(from).store, sizes)
      const proxy = await recordRequests(to)
      const args = ['copy', `${from}/team/app:v1`, `${proxy.address}/team/app`]
      const stop = new AbortController()
      let puts = 0
      proxy.before = ({method, path}) => {
        if (method !== 'PUT' || !path.includes('uploads') || ++puts < 9) return undefined
        return new Promise(() => {})
      }
      const {store} = openRegistry(to)
      const source = JSON.parse((await manifestAt(from, 'team/app', 'v1')).body.toString()) as {
        config: {digest: ReturnType<typeof digestOf>}
        layers: {digest: ReturnType<typeof digestOf>}[]
      }
      const arrived = async () => {
        const blobs = [source.config, ...source.layers]
        const found = await Promise.all(blobs.map(({digest}) => store.statBlob(digest)))
        return found.filter((blob) => blob !== undefined).length
      }
      const kill = {
        cancelSignal: stop.signal,
        forceKillAfterDelay: 1,
        killSignal: 'SIGKILL',
      } as const
      const killed = inject(args, kill)
      // nothing is on its way any more that could still arrive
      await expect.poll(arrived, {timeout: 30_000}).toBe(8)
      stop.abort()
      await killed
      proxy.before = undefined
      expect(await listed(store.listTags())).toEqual([])
      const missing = []
      for (const {digest} of source.layers)
        if (!(await store.statBlob(digest))) missing.push(digest)
      expect(missing.length).toBeGreaterThan(0)
      expect(missing.length).toBeLessThan(12)

      proxy.requests.length = 0
      const again = await injectJson(args)
      const sent = sentBlobs(proxy.requests).map(({path}) =>
        new URL(path, 'http://x').searchParams.get('digest'),
      )
      expect(missing.every((digest) => sent.includes(digest))).toBe(true)
      expect(
        sent.filter((digest) => source.layers.some((layer) => layer.digest === digest)).length,
      ).toBe(missing.length)
      expect(again).toMatchObject({copied: [{tags: ['v1']}]})
    })

    it('referrers come along, recursively, with or without an API for them', async () => {
      const [from, to] = [await start(), await start()]
      const {store} = openRegistry(from)
      const image = await putLarge(store, [1000])
      const signature = await putArtifact(store, image, 'signature')
      const about = await putArtifact(store, signature, 'about the signature')
      const cosign = `${image.digest.replace(':', '-')}.sig`
      await putArtifact(store, undefined, 'signature of another kind', cosign)
      // docker-registry knows no referrers: anyone who pushes them keeps an index of them
      for (const [subject, artifact] of [
        [image, signature],
        [signature, about],
      ] as const) {
        const manifests = [{...artifact, artifactType: 'application/vnd.example'}]
        const index = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests})
        const tags = [{tag: subject.digest.replace(':', '-'), from: undefined}]
        await store.putManifest(Buffer.from(index), ociIndex, {tags})
      }
      const args = ['copy', `${from}/team/app:v1`, `${to}/copy/app`]
      expect(await injectJson(args)).toMatchObject({referrers: 0})
      expect((await manifestAt(to, 'copy/app', cosign)).status).toBe(404)
      expect(await injectJson([...args, '--referrers'])).toMatchObject({referrers: 3})
      for (const digest of [signature.digest, about.digest])
        expect((await manifestAt(to, 'copy/app', digest)).status).toBe(200)
      expect((await manifestAt(to, 'copy/app', cosign)).status).toBe(200)
      // on to a layout, and from there to a registry again
      const layout = `oci:${await tempDir()}/layout`
      expect(await injectJson(['copy', `${to}/copy/app:v1`, layout, '--referrers'])).toMatchObject({
        referrers: 3,
      })
      const back = ['copy', `${layout}:v1`, `${from}/back/app`, '--referrers']
      expect(await injectJson(back)).toMatchObject({referrers: 3})
      // and once more changes nothing
      expect(await injectJson(back)).toMatchObject({blobs: {copied: 0}, copied: [{tags: []}]})
    })

    it('--all-tags takes every tag, and each blob once', async () => {
      const [from, to] = [await start(), await start()]
      const {store} = openRegistry(from)
      await putIndex(store, {platforms})
      const image = `${from}/team/app`
      await injectJson(['copy', `${image}:v1`, `${image}:v0`, '-p', 'linux/arm64'])
      const result = await injectJson(['copy', image, `${to}/x/y`, '--all-tags'])
      expect(result).toMatchObject({
        digest: null,
        copied: [{tags: ['v0']}, {tags: ['v1']}],
        blobs: {copied: 6},
      })
      for (const tag of ['v0', 'v1'])
        expect((await manifestAt(to, 'x/y', tag)).body).toEqual(
          (await manifestAt(from, 'team/app', tag)).body,
        )
    })
  })

  it('foreign layers are neither fetched nor pushed, and their addresses stay', async () => {
    const [from, to] = [(await serveRegistry()).address, (await serveRegistry()).address]
    const evil = await recordRequests(from)
    const foreign = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      digest: digestOf(Buffer.from('foreign')),
      size: 7,
      urls: [`http://${evil.address}/layer`],
    }
    const layer = {digest: digestOf(Buffer.from('layer'))}
    const layers = [foreign, {mediaType: ociLayer, digest: layer.digest, size: 5}]
    // the image is put past the registry's own check of what it lacks
    const layout = join(await tempDir(), 'layout')
    const source = await openLayoutStore(layout, {create: true})
    for (const text of ['layer', 'foreign']) await source.putBlob(bytesSource(Buffer.from(text)))
    await putLarge(source, [], {layers})
    const result = await inject(['copy', `oci:${layout}:v1`, `${to}/team/app`, '--json'])
    expect(result.exitCode, result.stderr + result.stdout).toBe(0)
    expect(JSON.parse(result.stdout)).toMatchObject({foreign: 1})
    expect((await manifestAt(to, 'team/app', 'v1')).json()).toMatchObject({layers})
    expect((await send(to, 'HEAD', `/v2/team/app/blobs/${foreign.digest}`)).status).toBe(404)
    expect(evil.requests).toEqual([])
  })

  it('some platforms become an index of those, one becomes the image itself', async () => {
    const {address} = await serveRegistry()
    await putIndex(openRegistry(address).store, {
      platforms,
      attestations: true,
      nested: ['linux/386', 'linux/riscv64'],
    })
    const image = `${address}/team/app`
    const one = await injectJson(['copy', `${image}:v1`, `${address}/one`, '-p', 'linux/arm64'])
    const index = (await manifestAt(address, 'team/app', 'v1')).json() as {
      manifests: {digest: string; platform?: object}[]
    }
    expect(one).toMatchObject({digest: index.manifests[1]!.digest, platforms: ['linux/arm64/v8']})
    const all = ['copy', `${image}:v1`, `${address}/some`, '-p', 'linux/386', '-p', 'linux/arm/v7']
    expect(await injectJson(all)).toMatchObject({platforms: ['linux/arm/v7', 'linux/386']})
    const some = (await manifestAt(address, 'some', 'v1')).json() as typeof index
    expect(some.manifests.slice(0, 2)).toEqual([index.manifests[2], index.manifests[5]])
    expect(some.manifests).toHaveLength(3)
    const wrong = await inject(['copy', `${image}:v1`, `${address}/x`, '-p', 'linux/s390x'])
    expect(wrong).toMatchObject({exitCode: 4})
    const single = await inject(['copy', `${address}/one:v1`, `${address}/x`, '-p', 'linux/s390x'])
    expect(single).toMatchObject({exitCode: 4})
    expect(single.stderr).toContain('is a single image, for linux/arm64/v8')
  })

  it('--dry-run says what would be sent, and sends nothing', async () => {
    const [from, to] = [(await serveRegistry()).address, (await serveRegistry()).address]
    const {store} = openRegistry(from)
    await putLarge(store, [1000, 2000])
    const proxy = await recordRequests(to)
    const layout = join(await tempDir(), 'layout')
    for (const target of [`${proxy.address}/x`, `oci:${layout}`, `oci-archive:${layout}.tar`])
      expect(await injectJson(['copy', `${from}/team/app:v1`, target, '--dry-run'])).toMatchObject({
        dryRun: true,
        copied: [{tags: ['v1']}],
        blobs: {copied: 3},
      })
    expect(proxy.requests.some(({method}) => !['GET', 'HEAD'].includes(method))).toBe(false)
    expect(() => readFileSync(layout)).toThrow('ENOENT')
    expect(() => readFileSync(`${layout}.tar`)).toThrow('ENOENT')
  })

  it('--no-clobber overwrites no tag; a pinned one must be where it is said to be', async () => {
    const {address} = await serveRegistry()
    const {store} = openRegistry(address)
    const {digest} = await putLarge(store, [1000])
    const image = `${address}/team/app`
    await injectJson(['copy', `${image}:v1`, `${address}/x:v1`])
    await injectJson(['copy', `${image}:v1`, `${address}/x:v1`, '--no-clobber'])
    await putLarge(store, [2000])
    const clobber = await inject(['copy', `${image}:v1`, `${address}/x:v1`, '--no-clobber'])
    expect(clobber).toMatchObject({exitCode: 7})
    const pinned = `${address}/x:v1@${digestOf(Buffer.from('other'))}`
    expect(await inject(['copy', `${image}:v1`, pinned])).toMatchObject({exitCode: 7})
    await injectJson(['copy', `${image}:v1`, `${address}/x:v1@${digest}`])
  })

  it('T-54 a layer that is not what its digest names is not published', async () => {
    const layout = join(await tempDir(), 'layout')
    const source = await openLayoutStore(layout, {create: true})
    const image = await putLarge(source, [5000])
    const {layers} = JSON.parse(
      readFileSync(join(layout, 'blobs/sha256', image.digest.slice(7)), 'utf8'),
    ) as {layers: {digest: string}[]}
    const path = join(layout, 'blobs/sha256', layers[0]!.digest.slice(7))
    await execa('dd', ['if=/dev/zero', `of=${path}`, 'bs=1', 'count=1', 'conv=notrunc'])
    const {address} = await serveRegistry()
    for (const target of [`${address}/x`, `oci:${layout}2`, `oci-archive:${layout}.tar`]) {
      const result = await inject(['copy', `oci:${layout}`, target])
      expect(result.exitCode, target + result.stderr).toBe(6)
      expect(result.stderr).toContain('is not what its digest names')
    }
    expect((await manifestAt(address, 'x', 'latest')).status).toBe(404)
    expect(readdirSync(join(layout, '..')).sort()).toEqual(['layout', 'layout2'])
  })

  it('refuses what makes no sense, on one line', async () => {
    const {address} = await serveRegistry()
    await putLarge(openRegistry(address).store, [10])
    const image = `${address}/team/app`
    const cases: [string[], number, string][] = [
      [[`${image}:v1`, `${address}/x`, '--all-tags'], 2, 'all tags are to be copied'],
      [[image, `${address}/x:v1`, '--all-tags'], 2, 'all tags are to be copied'],
      [[`${address}/nothing`, `${address}/x`, '--all-tags'], 4, 'nothing in'],
      [[`${image}:v1`, `${address}/x@${digestOf(Buffer.from('x'))}`], 2, 'named by a digest'],
      [[`${image}:v7`, `${address}/x`], 4, 'no image tagged v7'],
      [[`${image}:v1`, 'docker-daemon:x'], 2, 'not supported: write it to a file'],
      [['oci:/nonexistent/x', `${address}/x`], 4, 'no OCI image layout'],
    ]
    for (const [args, exitCode, message] of cases) {
      const result = await inject(['copy', ...args, '-q'])
      expect(result, args.join(' ')).toMatchObject({exitCode, stdout: ''})
      expect(result.stderr).toContain(message)
      expect(result.stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  it('T-38 a password that was given goes to one registry, and to no other', async () => {
    const [one, two] = [(await serveRegistry()).address, (await serveRegistry()).address]
    await putLarge(openRegistry(one).store, [10])
    const env = {INJECT_USERNAME: 'me', INJECT_PASSWORD: 'canary'}
    const result = await inject(['copy', `${one}/team/app:v1`, `${two}/x`], {env})
    expect(result).toMatchObject({exitCode: 2})
    expect(result.stderr).toContain('there are two')
    expect(await inject(['copy', `${one}/team/app:v1`, `${one}/x`], {env})).toMatchObject({
      exitCode: 0,
    })
  })
})

describe('an index made to do harm', () => {
  it('T-60 of forty levels of diamonds is copied once', async () => {
    const layout = join(await tempDir(), 'layout')
    const store = await openLayoutStore(layout, {create: true})
    let below: object = await putLarge(store, [10])
    for (let level = 0; level < 40; level++) {
      const manifests = [below, {...below, annotations: {level: String(level)}}]
      const index = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests})
      const tags = level === 39 ? [{tag: 'deep', from: undefined}] : []
      below = await store.putManifest(Buffer.from(index), ociIndex, {tags})
    }
    const result = await injectJson(['copy', `oci:${layout}:deep`, `oci:${layout}2`])
    expect(result).toMatchObject({manifests: 41})
  })

  it('T-50 of two kinds at once is refused', async () => {
    const layout = join(await tempDir(), 'layout')
    const store = await openLayoutStore(layout, {create: true})
    const both = JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests: [], layers: []})
    const tags = [{tag: 'v1', from: undefined}]
    await store.putManifest(Buffer.from(both), ociIndex, {tags})
    const result = await inject(['copy', `oci:${layout}:v1`, `oci:${layout}2`])
    expect(result).toMatchObject({exitCode: 6})
    expect(result.stderr).toContain('several kinds of document')
  })
})
