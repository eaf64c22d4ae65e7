import {execa} from 'execa'
import {setTimeout as sleep} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {type Digest, digestOf} from '../../src/oci/digest.js'
import {ociConfig, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import {checkStore} from '../../src/store/check/check-store.js'
import {collectGarbage} from '../../src/store/garbage/collect.js'
import {planGarbage} from '../../src/store/garbage/plan.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import {openRootAt} from '../support/root-fixtures.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {tempDir} from '../support/temp-dir.js'
import {putManifest, type Response, send, serveRegistry} from '../support/served-registry.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const pushes = Number(process.env['INJECT_GC_PUSHES'] ?? 200)
const clients = 8
const repositories = ['team/a', 'team/b', 'c']
/**
 * Long enough for one push on a machine that has other things to do, and short enough that much is
 * collected meanwhile.
 */
const graceMs = 5000

/**
 * Collects in this process, as `serve --gc-interval` does, and by the command in another one, until
 * it is told to stop; says how much they have removed.
 */
function collectAllTheTime(root: RepositoryRoot) {
  let running = true
  let removed = 0
  const inProcess = async (): Promise<void> => {
    while (running) {
      // not in one line with the sum: that would forget what the other one added meanwhile
      const {blobs} = await collectGarbage(await planGarbage(root, {graceMs}))
      removed += blobs
      await sleep(1500)
    }
  }
  const byCommand = async (): Promise<void> => {
    while (running) {
      const args = ['store', 'gc', root.directory, '--grace', `${graceMs / 1000}s`, '--json']
      const {stdout} = await execa(process.execPath, [program, ...args])
      removed += (JSON.parse(stdout) as {total: {blobs: number}}).total.blobs
      await sleep(500)
    }
  }
  const done = Promise.all([inProcess(), byCommand()])
  done.catch(() => undefined)
  return {
    // which of the two gets there first is chance
    removed: () => removed,
    async stop() {
      running = false
      await done
    },
  }
}

/**
 * A client of the registry: does what push tools do, and fails at any answer that they would fail
 * at.
 */
function createClient(address: string) {
  const expectStatus = (answer: Response, what: string, ...statuses: number[]): void => {
    if (!statuses.includes(answer.status))
      throw new Error(`${what} answered ${answer.status}: ${answer.body.toString()}`)
  }
  /** What is there is not sent; what another repository has is mounted. */
  const putBlob = async (name: string, content: string, from?: string): Promise<object> => {
    const bytes = Buffer.from(content)
    const digest = digestOf(bytes)
    const head = await send(address, 'HEAD', `/v2/${name}/blobs/${digest}`)
    expectStatus(head, 'HEAD', 200, 404)
    if (head.status === 404) {
      const query = from === undefined ? '' : `?mount=${digest}&from=${from}`
      const begun = await send(address, 'POST', `/v2/${name}/blobs/uploads/${query}`)
      expectStatus(begun, 'POST', ...(from === undefined ? [202] : [201, 202]))
      if (begun.status === 202) {
        const path = `${begun.headers.location ?? ''}?digest=${digest}`
        expectStatus(await send(address, 'PUT', path, {body: bytes}), 'PUT of a blob', 201)
      }
    }
    return {digest, size: bytes.length}
  }
  return {
    putBlob,
    async pushImage(name: string, tag: string, parts: {own: string; shared: string; from: string}) {
      const config = {
        mediaType: ociConfig,
        ...(await putBlob(name, JSON.stringify({of: parts.own}))),
      }
      const layers = [
        {mediaType: ociLayer, ...(await putBlob(name, parts.shared, parts.from))},
        {mediaType: ociLayer, ...(await putBlob(name, parts.own))},
      ]
      const manifest = {schemaVersion: 2, mediaType: ociManifest, config, layers}
      const bytes = Buffer.from(JSON.stringify(manifest))
      const put = await putManifest(address, `${name}/manifests/${tag}`, bytes)
      expectStatus(put, 'PUT of a manifest', 201)
      return digestOf(bytes)
    },
    async remove(name: string, reference: string) {
      const path = `/v2/${name}/manifests/${reference}`
      expectStatus(await send(address, 'DELETE', path), 'DELETE', 202)
    },
    async pull(name: string, reference: string): Promise<Digest> {
      const got = await send(address, 'GET', `/v2/${name}/manifests/${reference}`)
      expectStatus(got, `GET of ${name}:${reference}`, 200)
      const {config, layers} = JSON.parse(got.body.toString()) as {
        config: {digest: Digest}
        layers: {digest: Digest}[]
      }
      for (const {digest} of [config, ...layers]) {
        const blob = await send(address, 'GET', `/v2/${name}/blobs/${digest}`)
        expectStatus(blob, `GET of a blob of ${name}:${reference}`, 200)
        if (digestOf(blob.body) !== digest) throw new Error(`${digest} is other content`)
      }
      return digestOf(got.body)
    },
  }
}

it(`X6 ${pushes} pushes while garbage is collected all the time: none fails, and all that has a tag is there`, async () => {
  // in memory where that can be had: thousands of syncs are not what is tested
  const root = await openRootAt((await mountTmpfs('size=256m')) ?? (await tempDir()))
  const {address} = await serveRegistry({root})
  const client = createClient(address)
  const collector = collectAllTheTime(root)
  /** What each tag should be at the end. */
  const tags = new Map<string, Digest>()
  let next = 0

  const work = async (worker: number): Promise<void> => {
    const isEnough = (): boolean => collector.removed() > pushes / 10
    // a fast machine has pushed all of them before much is old enough to be collected
    for (let push = next++; push < pushes || (push < 20 * pushes && !isEnough()); push = next++) {
      const name = repositories[push % repositories.length] ?? ''
      const from = repositories[(push + 1) % repositories.length] ?? ''
      // a worker's tags are its own: each is moved again and again
      const tag = `w${worker}-${push % 4}`
      const parts = {own: `layer of push ${push}`, shared: `layer ${push % 60}`, from}
      const before = tags.get(`${name}:${tag}`)
      const digest = await client.pushImage(name, tag, parts)
      tags.set(`${name}:${tag}`, digest)
      // the image that had the tag goes, and so, in the end, do its layers
      if (before !== undefined) await client.remove(name, before)
      if (push % 7 === 0) {
        await client.remove(name, tag)
        await client.remove(name, digest)
        tags.delete(`${name}:${tag}`)
      }
      // a client that gave up after its first layer
      if (push % 5 === 0) await client.putBlob(name, `orphan ${push}`)
      if (push % 10 === 0 && tags.has(`${name}:${tag}`))
        expect(await client.pull(name, tag)).toBe(digest)
    }
  }
  const started = performance.now()
  await Promise.all(Array.from({length: clients}, (_, worker) => work(worker)))
  const seconds = (performance.now() - started) / 1000
  await collector.stop()
  const removed = collector.removed()
  console.info(`${next} pushes in ${seconds.toFixed(1)} s, removed: ${removed}`)
  expect(removed).toBeGreaterThan(pushes / 10)

  // nothing is young any more, and what is referred to stays all the same
  await collectGarbage(await planGarbage(root, {graceMs: 0}))
  for (const [reference, digest] of tags) {
    const [name = '', tag = ''] = reference.split(':')
    expect(await client.pull(name, tag), reference).toBe(digest)
  }
  const report = await checkStore(root)
  for (const {faults, corrupt, images} of report.repositories) {
    expect([faults, corrupt]).toEqual([[], []])
    expect(images.filter(({status}) => status !== 'ok')).toEqual([])
  }
  const listed = report.repositories.flatMap(({name, images}) =>
    images.flatMap((image) => image.tags.map((tag) => `${name}:${tag}`)),
  )
  expect(listed.sort()).toEqual([...tags.keys()].sort())
}, 300_000)
