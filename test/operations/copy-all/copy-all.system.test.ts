import {expect, it} from 'vitest'
import {outcomeLine} from '../../../src/cli/render/fleet/outcome.js'
import {ociLayer, ociManifest} from '../../../src/oci/media-type.js'
import {parseRegistryPrefix} from '../../../src/oci/names/registry-prefix.js'
import {copyAll} from '../../../src/operations/copy-all/copy-all.js'
import type {CopyAllOptions} from '../../../src/operations/copy-all/request.js'
import type {Ports, ProgressEvent} from '../../../src/ports.js'
import {openRegistryStore} from '../../../src/registry/registry-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {startDockerRegistry} from '../../support/docker-registry.js'
import {bytesSource} from '../../support/layout-image.js'
import {putIndex} from '../../support/layout-index.js'
import {openRegistry} from '../../support/open-registry.js'
import {putDocuments} from '../../support/put-documents.js'
import {recordRequests, type RecordingProxy} from '../../support/recording-proxy.js'
import {send, serveRegistry} from '../../support/served-registry.js'
import {storeImage} from '../../support/stored-images.js'
import {describeWith} from '../../support/tools.js'

const layerSize = 300_000
/** More than a config has. */
const configSize = 400
const layers = ['base', 'libraries', 'tools']
const all = Array.from({length: 30}, (_, at) => `team/app${String(at).padStart(2, '0')}`)

/** An image of the layers that all of them share, and of a config of its own. */
async function putShared(store: ContentStore, name: string, tag = 'v1') {
  const descriptors = []
  for (const layer of layers) {
    const {digest, size} = await store.putBlob(bytesSource(Buffer.alloc(layerSize, layer)))
    descriptors.push({mediaType: ociLayer, digest, size})
  }
  const diffIds = descriptors.map(({digest}) => digest)
  const rootfs = {type: 'layers', diff_ids: diffIds}
  const config = {os: 'linux', architecture: 'amd64', author: name, rootfs}
  return putDocuments(store, {config, layers: descriptors, tag})
}

/** A registry of ours with these repositories. */
async function serveImages(repositories: readonly string[]) {
  const served = await serveRegistry()
  for (const repository of repositories)
    await putShared(openRegistry(served.address, {repository}).store, repository)
  return served
}

function run(from: string, to: string, more: Partial<CopyAllOptions> = {}, watch?: Watch) {
  const stopping = new AbortController()
  const ports: Ports = {
    openStore: (reference, options) => {
      if (reference.kind !== 'registry') throw new Error('only registries are copied')
      const how = {env: {}, home: '/nonexistent', retries: {attempts: 1}}
      return Promise.resolve(openRegistryStore(reference, {...how, ...options}))
    },
    report: (event) => watch?.(event, stopping),
    signal: stopping.signal,
    version: '0.1.0',
  }
  const options: CopyAllOptions = {
    from: parseRegistryPrefix(from, 'SOURCE'),
    to: parseRegistryPrefix(to, 'TARGET'),
    ...{include: [], exclude: [], platforms: undefined, jobs: 4, chunkSize: undefined},
    ...{referrers: false, noClobber: false, dryRun: false, ...more},
  }
  return copyAll(options, ports)
}
type Watch = (event: ProgressEvent, stopping: AbortController) => void

/** Bytes of blobs that went to a registry. */
const blobBytes = ({requests}: RecordingProxy) =>
  requests
    .filter(({method, path}) => ['PUT', 'PATCH', 'POST'].includes(method) && /uploads/.test(path))
    .reduce((sum, {bytes}) => sum + bytes, 0)

const accept = {accept: ociManifest}
const digestsAt = (address: string, repositories: readonly string[]) =>
  Promise.all(
    repositories.map(async (repository) => {
      const path = `/v2/${repository}/manifests/v1`
      return (await send(address, 'GET', path, {headers: accept})).body.toString()
    }),
  )

const registries: [string, () => Promise<string>][] = [
  ['inject serve', async () => (await serveRegistry()).address],
  ['docker-registry', async () => (await startDockerRegistry()).address],
]

describeWith(['docker-registry'], 'copy --all', () => {
  it.each(registries)('sends each blob once to %s, and nothing a second time', async (_, start) => {
    const {address: from} = await serveImages(all)
    const to = await recordRequests(await start())
    const report = await run(from, to.address)
    expect(report.totals).toEqual({copied: 30})
    expect(blobBytes(to)).toBeGreaterThanOrEqual(3 * layerSize)
    expect(blobBytes(to)).toBeLessThan(3 * layerSize + 30 * configSize)
    expect(report.costs.bytesSent).toBe(blobBytes(to))
    expect(report.costs.bytesMounted).toBe(29 * 3 * layerSize)
    expect(await digestsAt(to.address, all)).toEqual(await digestsAt(from, all))

    to.requests.splice(0)
    const again = await run(from, to.address)
    expect(again.totals).toEqual({unchanged: 30})
    expect(to.requests.map(({method}) => method)).toEqual(Array(30).fill('HEAD'))
    // the catalog, the tags of 30 repositories, and each tag on both sides
    expect(again.costs.requests).toBe(1 + 30 + 60)
  })

  it('goes on after an interruption, and mounts what arrived before it', async () => {
    const {address: from} = await serveImages(all)
    const to = await recordRequests((await startDockerRegistry()).address)
    let done = 0
    const stop: Watch = (event, stopping) => {
      if (event.kind === 'finished' && ++done === 10) stopping.abort(new Error('enough'))
    }
    await expect(run(from, to.address, {jobs: 1}, stop)).rejects.toThrow('enough')
    const before = blobBytes(to)
    const report = await run(from, to.address)
    expect(report.totals).toEqual({unchanged: 10, copied: 20})
    expect(blobBytes(to) - before).toBeLessThan(20 * configSize)
    expect(await digestsAt(to.address, all)).toEqual(await digestsAt(from, all))
  })

  it('names what fails, and copies the others', async () => {
    const {address: from, root} = await serveImages(all.slice(0, 5))
    await storeImage(root, 'team/broken', 'v1')
    const to = (await startDockerRegistry()).address
    const {outcomes, totals} = await run(from, to)
    expect(totals).toEqual({copied: 5, failed: 1})
    const failed = outcomes.find(({status}) => status === 'failed')
    expect(failed).toMatchObject({
      reference: `${from}/team/broken:v1`,
      target: `${to}/team/broken:v1`,
      code: 'ERR_INJECT_BLOB_NOT_FOUND',
      after: null,
    })
    expect(outcomeLine(failed!)).toMatch(/^failed: .*team\/broken:v1.* has no blob sha256:/)
  })

  it('names a repository whose tags cannot be listed', async () => {
    const {address: from} = await serveImages(all.slice(0, 2))
    const proxy = await recordRequests(from)
    // one that is not there any more
    const {totals, outcomes} = await run(proxy.address, (await serveRegistry()).address, {
      include: [all[0]!, 'team/gone'],
    })
    expect(totals).toEqual({copied: 1})
    expect(outcomes).toHaveLength(1)
    expect(proxy.requests.some(({path}) => path.includes('_catalog'))).toBe(false)
  })

  it('takes what is included and not excluded, from one path to another', async () => {
    const {address: from} = await serveImages(['team/app', 'team/tools/a', 'team/tools/b', 'other'])
    for (const tag of ['v2', 'nightly'])
      await putShared(openRegistry(from, {repository: 'team/tools/a'}).store, tag, tag)
    const to = (await serveRegistry()).address
    const filters = {include: ['team/tools/*:v*'], exclude: ['**/b', '**:v2']}
    const {outcomes} = await run(`${from}/team`, `${to}/mirror/deep`, filters)
    expect(outcomes.map(({target}) => target)).toEqual([`${to}/mirror/deep/tools/a:v1`])
    await expect(run(`${from}/nothing`, to)).rejects.toMatchObject({
      code: 'ERR_INJECT_NO_REPOSITORIES',
    })
    await expect(run(`${from}/team`, `${from}/team`)).rejects.toMatchObject({
      code: 'ERR_INJECT_SAME_PLACE',
    })
  })

  it('counts in a dry run each blob once, and writes nothing', async () => {
    const {address: from} = await serveImages(all.slice(0, 4))
    const to = await recordRequests((await serveRegistry()).address)
    const report = await run(from, to.address, {dryRun: true})
    expect(report).toMatchObject({dryRun: true, totals: {'would-copy': 4}})
    expect(report.costs.bytesSent).toBeGreaterThanOrEqual(3 * layerSize)
    expect(report.costs.bytesSent).toBeLessThan(3 * layerSize + 4 * configSize)
    expect(to.requests.filter(({method}) => method !== 'HEAD' && method !== 'GET')).toEqual([])
  })

  it('copies chosen platforms, and what refers to an image', async () => {
    const from = (await serveRegistry()).address
    const source = openRegistry(from, {repository: 'team/app'}).store
    await putIndex(source, {platforms: ['linux/amd64', 'linux/arm64']})
    const single = await putShared(openRegistry(from, {repository: 'team/signed'}).store, 'signed')
    const signed = openRegistry(from, {repository: 'team/signed'}).store
    const empty = await signed.putBlob(bytesSource(Buffer.from('{}')))
    const signature = {
      schemaVersion: 2,
      mediaType: ociManifest,
      artifactType: 'application/vnd.example',
      config: {mediaType: 'application/vnd.oci.empty.v1+json', digest: empty.digest, size: 2},
      layers: [],
      subject: single,
    }
    const bytes = Buffer.from(JSON.stringify(signature))
    const {digest} = await signed.putManifest(bytes, ociManifest)
    const to = (await serveRegistry()).address
    const platforms = [{os: 'linux', architecture: 'amd64'}]
    const more = {referrers: true, platforms}
    expect((await run(from, to, more)).totals).toEqual({copied: 2})
    const target = openRegistry(to, {repository: 'team/signed'}).store
    expect(await target.statManifest(digest)).toBe(digest)
    expect((await run(from, to, more)).totals).toEqual({unchanged: 2})
  })
})
