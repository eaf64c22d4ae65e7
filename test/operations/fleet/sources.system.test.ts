import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {storeOpener} from '../../../src/cli/ports/store-opener.js'
import {findSlot} from '../../../src/image/slot.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {fetchImage} from '../../../src/operations/find/fetch-image.js'
import {makeCertificate} from '../../support/certificate.js'
import {fleetFolder, putVendors, repositoryAt, writeSource} from '../../support/fleet-runs.js'
import {makeEntry, putImage, smallLayer} from '../../support/put-image.js'
import {fileOf} from '../../support/read-image.js'
import {type ServedRegistry, serveRegistry} from '../../support/served-registry.js'
import {trustRoot} from '../../support/trust-roots.js'

const signal = new AbortController().signal
const watched = {report: () => undefined, signal}
const openStore = storeOpener({insecure: false, 'password-stdin': false}, watched)

async function start(count: number) {
  const registry = await serveRegistry()
  const images = await putVendors(registry.address, count)
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content', 'sub.pem': 'x'.repeat(100_000)})
  registry.records.splice(0)
  return {registry, images, fleet}
}

const isWrite = ({method}: {readonly method: string}) => !['GET', 'HEAD'].includes(method)
const fileIn = (image: string, path: string) =>
  fileOf(parseReference(image), path, {...watched, openStore})
const textIn = async (image: string, path: string) => (await fileIn(image, path)).bytes.toString()

/** The layer of a slot of an image. */
async function layerAt({address}: ServedRegistry, repository: string, name: string) {
  const image = await fetchImage(repositoryAt(address, repository), 'v1', signal)
  return findSlot(image!, name)!.layers[0]!
}

describe('a slot from an archive', () => {
  it.each([
    ['a.tar', '-cf'],
    ['a.tar.gz', '-czf'],
    ['a.tgz', '-czf'],
    ['a.tar.zst', '--zstd', '-cf'],
  ])('%s is packed once, and is the layer of its directory', async (name, ...flags) => {
    const {registry, images, fleet} = await start(6)
    const directory = {name: 'certs', source: './certs', path: '/etc/certs', owner: '0:0'}
    fleet.write({images: images.slice(0, 1), slots: [directory]})
    await fleet.apply()
    const wanted = (await layerAt(registry, 'base/r000', 'certs')).diffId
    await execa('tar', [...flags, name, '-C', 'certs', '.'], {cwd: fleet.folder})
    rmSync(join(fleet.folder, 'certs'), {recursive: true})
    fleet.write({images, slots: [{...directory, source: `./${name}`}]})
    const report = await fleet.apply()
    expect(report.totals).toEqual({unchanged: 1, updated: 5})
    expect(report.costs.layersPacked).toBeLessThanOrEqual(1)
    for (const repository of ['base/r001', 'base/r004'])
      expect((await layerAt(registry, repository, 'certs')).diffId).toBe(wanted)
    registry.records.splice(0)
    expect((await fleet.apply()).totals).toEqual({unchanged: 6})
    expect(registry.records).toHaveLength(6)
  })

  it('that is not there is one error', async () => {
    const {images, fleet} = await start(2)
    fleet.write({images, slots: [{name: 'certs', source: './a.tar.gz'}]})
    await expect(fleet.apply()).rejects.toMatchObject({name: 'LocalIoError'})
  })
})

it('a slot of one file has it under its own name, and is packed once', async () => {
  const {registry, images, fleet} = await start(6)
  writeFileSync(join(fleet.folder, 'one.pem'), 'one')
  fleet.write({images, slots: [{name: 'certs', source: './one.pem', path: '/etc/certs'}]})
  const report = await fleet.apply()
  expect(report.totals).toEqual({updated: 6})
  expect(report.costs.layersPacked).toBe(1)
  expect(await textIn(images[3]!, '/etc/certs/one.pem')).toBe('one')
  registry.records.splice(0)
  expect((await fleet.apply()).totals).toEqual({unchanged: 6})
  expect(registry.records).toHaveLength(6)
})

describe('a slot of another image', () => {
  /** An image `team/model:v1` with a slot of more than 4 MiB. */
  async function putModel(registry: ServedRegistry, content = 'm') {
    await putImage(repositoryAt(registry.address, 'team/model'), {layers: [smallLayer('model')]})
    const fleet = await fleetFolder()
    const weights = Buffer.concat([Buffer.from(content), randomBytes(5_000_000)])
    writeSource(join(fleet.folder, 'model'), {weights})
    const slot = {name: 'weights', source: './model', path: '/opt/model'}
    fleet.write({images: [`${registry.address}/team/model:v1`], slots: [slot]})
    await fleet.apply()
    return layerAt(registry, 'team/model', 'weights')
  }

  it('is mounted everywhere: none of its bytes is read, packed or sent', async () => {
    const {registry, images, fleet} = await start(20)
    const layer = await putModel(registry)
    const source = {image: `${registry.address}/team/model:v1`, slot: 'weights'}
    fleet.write({images, slots: [{name: 'model', source}]})
    registry.records.splice(0)
    const planned = await fleet.plan()
    expect(registry.records.filter(isWrite)).toEqual([])
    registry.records.splice(0)
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: 20})
    expect(report.costs.layersPacked).toBe(0)
    const {size, digest} = layer.descriptor
    expect(report.costs.bytesMounted).toBe(20 * size)
    expect(planned.costs).toMatchObject({bytesMounted: 20 * size})
    expect(registry.records.filter(({target}) => target.includes(`/blobs/${digest}`))).toEqual([])
    expect(Math.max(...registry.records.map(({received}) => received))).toBeLessThan(100_000)
    expect((await layerAt(registry, 'base/r002', 'model')).descriptor.digest).toBe(digest)
    registry.records.splice(0)
    expect((await fleet.apply()).totals).toEqual({unchanged: 20})
    expect(registry.records.filter(isWrite)).toEqual([])
    await putModel(registry, 'moved')
    expect((await fleet.apply()).totals).toEqual({updated: 20})
  })

  it('of another registry is sent once', async () => {
    const {registry, images, fleet} = await start(6)
    const other = await serveRegistry()
    const layer = await putModel(other)
    const source = {image: `${other.address}/team/model:v1`}
    fleet.write({images, slots: [{name: 'model', source}]})
    other.records.splice(0)
    expect((await fleet.apply()).totals).toEqual({updated: 6})
    const sent = registry.records.filter(({received}) => received > 1_000_000)
    expect(sent).toHaveLength(1)
    expect(
      other.records.filter(({target}) => target.includes(layer.descriptor.digest)),
    ).toHaveLength(1)
  })

  it('in part is read and packed once', async () => {
    const {registry, images, fleet} = await start(6)
    await putModel(registry)
    const source = {image: `${registry.address}/team/model:v1`, path: '/opt'}
    fleet.write({images, slots: [{name: 'model', source, path: '/srv'}]})
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: 6})
    expect(report.costs.layersPacked).toBe(1)
    expect((await fileIn(images[2]!, '/srv/model/weights')).bytes).toHaveLength(5_000_001)
  })

  it('that it does not have is one error', async () => {
    const {registry, images, fleet} = await start(2)
    const source = {image: `${registry.address}/nowhere/model:v1`}
    fleet.write({images, slots: [{name: 'model', source}]})
    await expect(fleet.apply()).rejects.toMatchObject({name: 'NotFoundError'})
  })
})

/** Two images that differ in a file. */
async function putTwo({address}: ServedRegistry, path: string, texts: readonly string[]) {
  const folder = path.slice(0, path.indexOf('/') + 1)
  for (const [at, text] of texts.entries()) {
    const content = Buffer.from(text)
    const file = {...makeEntry(path, {size: content.length}), content}
    const store = repositoryAt(address, `own/r${at}`)
    await putImage(store, {layers: [{entries: [makeEntry(folder), file]}]})
  }
  return texts.map((_, at) => `${address}/own/r${at}:v1`)
}

it('files are merged with those of each image for as long as the fleet file says so', async () => {
  const {registry, fleet} = await start(1)
  const images = await putTwo(registry, 'etc/hosts', ['one\n', 'two\n', 'two\n'])
  writeSource(join(fleet.folder, 'hosts/etc'), {hosts: 'ours\n'})
  const slot = {name: 'hosts', source: './hosts', merge: ['/etc/hosts=append']}
  fleet.write({images, slots: [slot]})
  const report = await fleet.apply()
  expect(report.totals).toEqual({updated: 3})
  expect(report.costs.layersPacked).toBe(2)
  expect(await textIn(images[0]!, '/etc/hosts')).toBe('one\nours\n')
  expect(await textIn(images[2]!, '/etc/hosts')).toBe('two\nours\n')
  expect((await fleet.apply()).totals).toEqual({unchanged: 3})
  expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: 3})
  fleet.write({images, slots: [{...slot, merge: undefined}]})
  expect((await fleet.apply()).totals).toEqual({updated: 3})
  expect(await textIn(images[0]!, '/etc/hosts')).toBe('ours\n')
  fleet.write({images, slots: [slot]})
  await fleet.apply()
  expect(await textIn(images[0]!, '/etc/hosts')).toBe('one\nours\n')
})

it('owners by name are those of each image', async () => {
  const {registry, fleet} = await start(1)
  const users = [5, 7, 7].map((id) => `root:x:0:0::/:\napp:x:${id}:${id}::/:\n`)
  const images = await putTwo(registry, 'etc/passwd', users)
  const target = '{{registry}}/made/{{name}}:{{tag}}'
  fleet.write({
    images: images.map((image) => ({image, target})),
    slots: [{name: 'certs', source: './certs', path: '/srv', owner: 'app'}],
  })
  const report = await fleet.apply()
  expect(report.totals).toEqual({updated: 3})
  expect(report.costs.layersPacked).toBe(2)
  expect((await fleet.apply()).totals).toEqual({unchanged: 3})
  const diffIdAt = async (place: string) => (await layerAt(registry, place, 'certs')).diffId
  for (const [at, owner] of ['5:5', '7:7', '7:7'].entries()) {
    const slots = [{name: 'certs', source: './certs', path: '/srv', owner}]
    fleet.write({images: [`${registry.address}/base/r000:v1`], slots})
    await fleet.apply()
    expect(await diffIdAt(`made/r${at}`)).toBe(await diffIdAt('base/r000'))
  }
})

it('certificates go into the trust stores of each image', async () => {
  const {registry, fleet} = await start(1)
  const [theirs, ours] = [makeCertificate(), makeCertificate()].map((c) => c.certificate)
  const images: string[] = []
  for (const [at, distribution] of (['debian', 'alpine', 'alpine'] as const).entries()) {
    const {entries} = trustRoot(distribution, theirs!)
    await putImage(repositoryAt(registry.address, `own/r${at}`), {layers: [{entries}]})
    images.push(`${registry.address}/own/r${at}:v1`)
  }
  writeFileSync(join(fleet.folder, 'ca.pem'), ours!)
  fleet.write({images, slots: [{name: 'certs', certs: ['./ca.pem']}]})
  const report = await fleet.apply()
  expect(report.totals).toEqual({updated: 3})
  expect(report.costs.layersPacked).toBe(2)
  for (const image of images)
    expect(await textIn(image, '/etc/ssl/certs/ca-certificates.crt')).toBe(`${theirs}${ours}`)
  registry.records.splice(0)
  expect((await fleet.apply()).totals).toEqual({unchanged: 3})
  expect(registry.records).toHaveLength(3)
  expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: 3})
})
