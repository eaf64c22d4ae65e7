import {randomBytes} from 'node:crypto'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../../src/oci/names/reference.js'
import {create, usualPlatform} from '../../../src/operations/create.js'
import {inspect} from '../../../src/operations/inspect.js'
import {storeOpener} from '../../../src/cli/ports/store-opener.js'
import {
  digestAt,
  type FleetFolder,
  fleetFolder,
  putVendors,
  repositoryAt,
  writeSource,
} from '../../support/fleet-runs.js'
import {putImage, smallLayer} from '../../support/put-image.js'
import {serveRegistry} from '../../support/served-registry.js'
import {putVendor, putVendorIndex} from '../../support/vendor.js'

const certs = {name: 'certs', source: './certs', path: '/etc/ssl/certs'} as const

/** A registry with vendors' images, and a fleet of them with a slot. */
async function startFleet(count: number, size = 100) {
  const registry = await serveRegistry()
  const images = await putVendors(registry.address, count)
  const fleet = await fleetFolder()
  writeSource(join(fleet.folder, 'certs'), {'ca.pem': randomBytes(size)})
  fleet.write({images, slots: [certs]})
  registry.records.splice(0)
  return {registry, images, fleet}
}

const isWrite = ({method}: {readonly method: string}) => !['GET', 'HEAD'].includes(method)
const digestsOf = (images: readonly string[]) => Promise.all(images.map(digestAt))

/** The slots of an image, by name; of an index those of its first image. */
async function slotsOf(image: string): Promise<Record<string, string>> {
  const signal = new AbortController().signal
  const watched = {report: () => undefined, signal}
  const openStore = storeOpener({insecure: false, 'password-stdin': false}, watched)
  const platform = {os: 'linux', architecture: 'amd64'}
  const found = await inspect({reference: parseReference(image), platform}, {...watched, openStore})
  const slots = 'slots' in found ? found.slots : []
  return Object.fromEntries(slots.map(({name, diffId}) => [name, diffId]))
}

// sixty, and in registries on a disk, are in apply.system.test.ts
describe('twenty repositories', () => {
  it('get a layer that is packed once, sent once and mounted elsewhere', async () => {
    const size = 4_000_000
    const {registry, fleet, images} = await startFleet(20, size)
    const planned = await fleet.plan()
    expect(planned.totals).toEqual({'would-update': images.length})
    expect(registry.records.filter(isWrite)).toEqual([])

    registry.records.splice(0)
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: images.length})
    expect(report.costs.layersPacked).toBe(1)
    const layers = registry.records.filter(({received}) => received > 1_000_000)
    expect(layers).toHaveLength(1)
    const received = registry.records.reduce((sum, record) => sum + record.received, 0)
    expect(received).toBeLessThan(size * 1.01 + images.length * 10_000)
    expect(report.costs.bytesSent).toBe(received)
    expect(planned.costs.bytesSent).toBe(received)
    expect(planned.costs.bytesMounted).toBe(report.costs.bytesMounted)
    expect(planned.outcomes.map(({after}) => after)).toEqual(
      report.outcomes.map(({after}) => after),
    )
    const single = report.outcomes.filter((_, at) => at % 20 !== 19)
    const requests = single.reduce((sum, outcome) => sum + outcome.requests, 0)
    expect(requests / single.length).toBeLessThanOrEqual(9)
    expect(report.costs.requests).toBe(registry.records.length)
  })

  it('are left alone when they are right, at one request for each', async () => {
    const {registry, fleet, images} = await startFleet(20)
    await fleet.apply()
    const before = await digestsOf(images)
    registry.records.splice(0)
    expect((await fleet.apply()).totals).toEqual({unchanged: images.length})
    expect(registry.records.filter(isWrite)).toEqual([])
    expect(registry.records).toHaveLength(images.length)
    expect(await digestsOf(images)).toEqual(before)
  })

  it('are recognized by what the registry says, where nothing is remembered', async () => {
    const {registry, fleet, images} = await startFleet(19)
    await fleet.apply()
    registry.records.splice(0)
    expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: images.length})
    expect(registry.records.filter(isWrite)).toEqual([])
    expect(registry.records).toHaveLength(2 * images.length)
  })

  it('have the layer mounted from an image that has it, where nothing is remembered', async () => {
    const {registry, fleet, images} = await startFleet(12, 2_000_000)
    fleet.write({images: images.slice(0, 5), slots: [certs]})
    await fleet.apply()
    registry.records.splice(0)
    fleet.write({images, slots: [certs]})
    const {totals} = await fleet.apply({forgetful: true, jobs: 1})
    expect(totals).toEqual({unchanged: 5, updated: 7})
    expect(registry.records.filter(({received}) => received > 1_000_000)).toEqual([])
  })

  it('with several tags have the layer mounted once', async () => {
    const {registry, fleet, images} = await startFleet(1)
    const store = repositoryAt(registry.address, 'base/tags')
    for (const tag of ['a', 'b', 'c']) await putImage(store, {layers: [smallLayer(tag)], tag})
    const tags = ['a', 'b', 'c'].map((tag) => `${registry.address}/base/tags:${tag}`)
    fleet.write({images: [...images, ...tags], slots: [certs]})
    registry.records.splice(0)
    const {totals, costs} = await fleet.apply({forgetful: true})
    expect(totals).toEqual({updated: 4})
    expect(costs.layersPacked).toBe(1)
    const mounts = registry.records.filter(({target}) => target.includes('mount='))
    const asked = mounts.map(({target}) => target)
    expect(asked).toEqual([...new Set(asked)])
  })

  it('are the same whether one run or three shards made them', async () => {
    const [one, three] = await Promise.all([serveRegistry(), serveRegistry()])
    const wanted = {'ca.pem': 'content'}
    const digests: (string | undefined)[][] = []
    for (const [registry, count] of [
      [one, 1],
      [three, 3],
    ] as const) {
      const images = await putVendors(registry.address, 20)
      const fleet = await fleetFolder()
      writeSource(join(fleet.folder, 'certs'), wanted)
      fleet.write({fleet: 'shards', images, slots: [certs], defaults: {base: 'pin'}})
      const shards = Array.from({length: count}, (_, at) => ({index: at + 1, count}))
      const reports = await Promise.all(
        shards.map((shard) => fleet.apply({shard, forgetful: true})),
      )
      expect(reports.flatMap(({outcomes}) => outcomes)).toHaveLength(images.length)
      if (count > 1) expect(reports.every(({outcomes}) => outcomes.length < 20)).toBe(true)
      digests.push(
        await Promise.all(images.map(async (image) => Object.values(await slotsOf(image))[0])),
      )
    }
    expect(digests[0]).not.toContain(undefined)
    expect(digests[1]).toEqual(digests[0])
  })
})

describe('what has changed', () => {
  it('in a directory is one new layer, and one move of each tag', async () => {
    const {registry, fleet, images} = await startFleet(10)
    await fleet.apply()
    const before = await slotsOf(images[0] ?? '')
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'another'})
    registry.records.splice(0)
    const report = await fleet.apply()
    expect(report.totals).toEqual({updated: images.length})
    const moves = registry.records.filter(
      ({method, resource}) => method === 'PUT' && resource === 'manifest',
    )
    expect(moves).toHaveLength(images.length)
    const after = await slotsOf(images[0] ?? '')
    expect(Object.keys(after)).toEqual(['certs'])
    expect(after).not.toEqual(before)
  })

  it('in two slots is published together: no image has only one of them', async () => {
    const {registry, fleet, images} = await startFleet(2)
    writeSource(join(fleet.folder, 'agent'), {agent: 'binary'})
    fleet.write({images, slots: [certs, {name: 'agent', source: './agent', path: '/opt/agent'}]})
    await fleet.apply()
    const moves = registry.records.filter(
      ({method, resource}) => method === 'PUT' && resource === 'manifest',
    )
    expect(moves).toHaveLength(images.length)
    expect(Object.keys(await slotsOf(images[0] ?? ''))).toEqual(['certs', 'agent'])
  })

  it("is put on the vendor's new image, in a target of its own", async () => {
    const {registry, fleet} = await startFleet(0)
    const vendor = `${registry.address}/vendor/app`
    const store = repositoryAt(registry.address, 'vendor/app')
    const {digest: first} = await putVendor(store, 'one')
    fleet.write({
      images: [`${vendor}:v1`],
      slots: [certs],
      defaults: {target: '{{registry}}/{{repository}}:{{tag}}-certs'},
    })
    expect((await fleet.apply()).totals).toEqual({updated: 1})
    expect(await digestAt(`${vendor}:v1`)).toBe(first)
    const {digest: second} = await putVendor(store, 'two')
    const report = await fleet.apply()
    expect(report.outcomes).toMatchObject([
      {status: 'rebased', reference: `${vendor}:v1`, target: `${vendor}:v1-certs`},
    ])
    expect(await digestAt(`${vendor}:v1`)).toBe(second)
    registry.records.splice(0)
    expect((await fleet.apply()).totals).toEqual({unchanged: 1})
    expect(registry.records).toHaveLength(2)
    // what another machine sees
    expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: 1})
  })

  it('stays on the old image with base: pin', async () => {
    const {registry, fleet} = await startFleet(0)
    const store = repositoryAt(registry.address, 'vendor/app')
    await putVendor(store, 'one')
    const image = {
      image: `${registry.address}/vendor/app:v1`,
      target: `${registry.address}/team/app:{{tag}}`,
      base: 'pin',
    }
    fleet.write({images: [image], slots: [certs]})
    expect((await fleet.apply()).totals).toEqual({updated: 1})
    await putVendor(store, 'two')
    expect((await fleet.apply()).totals).toEqual({unchanged: 1})
    fleet.write({images: [{...image, base: 'follow'}], slots: [certs]})
    expect((await fleet.apply()).totals).toEqual({rebased: 1})
  })

  it('is nothing in targets of images that have slots of their own', async () => {
    const registry = await serveRegistry()
    const [vendor] = await putVendors(registry.address, 1)
    const theirs = await fleetFolder()
    writeSource(join(theirs.folder, 'data'), {file: 'theirs'})
    const data = {name: 'data', source: './data', path: '/data'}
    theirs.write({fleet: 'theirs', images: [vendor], slots: [data]})
    await theirs.apply()
    const fleet = await fleetFolder()
    writeSource(join(fleet.folder, 'certs'), {'ca.pem': 'content'})
    const target = '{{registry}}/{{repository}}:{{tag}}-certs'
    fleet.write({images: [{image: vendor, target}], slots: [certs]})
    expect((await fleet.apply()).totals).toEqual({updated: 1})
    expect(Object.keys(await slotsOf(`${vendor}-certs`)).sort()).toEqual(['certs', 'data'])
    for (const prune of [false, true])
      expect((await fleet.apply({prune, forgetful: true})).totals).toEqual({unchanged: 1})
    writeSource(join(theirs.folder, 'data'), {file: 'new'})
    await theirs.apply()
    expect((await fleet.apply()).totals).toEqual({rebased: 1})
    expect((await slotsOf(`${vendor}-certs`))['data']).toBe((await slotsOf(vendor!))['data'])
  })

  it('is nothing in targets of images that were created', async () => {
    const {registry, fleet} = await startFleet(1)
    const image = `${registry.address}/own/data:v1`
    const directory = join(fleet.folder, 'certs')
    const signal = new AbortController().signal
    const watched = {report: () => undefined, signal}
    const openStore = storeOpener({insecure: false, 'password-stdin': false}, watched)
    const made = {
      ...{reference: parseReference(image), tags: [], name: 'data', platforms: [usualPlatform]},
      ...{source: {directory, exclude: []}, layer: {}},
      publish: {dryRun: false, noClobber: false, onConflict: 'fail'},
    } as const
    await create(made, {...watched, openStore})
    const target = '{{registry}}/{{repository}}:{{tag}}-certs'
    fleet.write({images: [{image, target}], slots: [certs]})
    expect((await fleet.apply()).totals).toEqual({updated: 1})
    for (const prune of [false, true])
      expect((await fleet.apply({prune, forgetful: true})).totals).toEqual({unchanged: 1})
  })

  it('in an index goes to all of its images, in another repository too', async () => {
    const {registry, fleet} = await startFleet(0)
    const store = repositoryAt(registry.address, 'vendor/app')
    await putVendorIndex(store, 'one', ['amd64', 'arm64'])
    const target = `${registry.address}/team/app:{{tag}}`
    fleet.write({
      images: [{image: `${registry.address}/vendor/app:v1`, target}],
      slots: [certs],
    })
    expect((await fleet.apply()).totals).toEqual({updated: 1})
    expect(Object.keys(await slotsOf(`${registry.address}/team/app:v1`))).toEqual(['certs'])
    expect((await fleet.apply({forgetful: true})).totals).toEqual({unchanged: 1})
    await putVendorIndex(store, 'two', ['amd64', 'arm64'])
    expect((await fleet.apply()).totals).toEqual({rebased: 1})
  })
})

describe('a slot that left the file', () => {
  async function withTwoSlots(): Promise<{
    fleet: FleetFolder
    images: readonly string[]
  }> {
    const {fleet, images} = await startFleet(3)
    writeSource(join(fleet.folder, 'agent'), {agent: 'binary'})
    const agent = {name: 'agent', source: './agent', path: '/opt/agent'}
    fleet.write({images, slots: [certs, agent]})
    await fleet.apply()
    fleet.write({images, slots: [certs]})
    return {fleet, images}
  }

  it('is named and stays, until --prune removes it', async () => {
    const {fleet, images} = await withTwoSlots()
    const kept = await fleet.apply()
    expect(kept.outcomes[0]).toMatchObject({
      status: 'unchanged',
      reason: expect.stringContaining('agent') as string,
      nextStep: expect.stringContaining('--prune') as string,
    })
    expect(Object.keys(await slotsOf(images[0] ?? ''))).toEqual(['certs', 'agent'])
    expect((await fleet.plan({prune: true})).totals).toEqual({'would-update': 3})
    expect((await fleet.apply({prune: true})).totals).toEqual({updated: 3})
    expect(Object.keys(await slotsOf(images[0] ?? ''))).toEqual(['certs'])
  })

  it.each([
    ['by the memory of this machine', false],
    ['by looking at the repositories that the file names under prune', true],
  ])('is removed from an image that left it, found %s', async (_, forgetful) => {
    const {fleet, images} = await startFleet(3)
    const [first = '', ...rest] = images
    const before = await digestAt(first)
    await fleet.apply()
    fleet.write({images: rest, slots: [certs], ...(forgetful && {prune: [first]})})
    const report = await fleet.apply({prune: true, forgetful})
    expect(report.totals).toEqual({removed: 1, unchanged: 2})
    expect(await digestAt(first)).toBe(before)
  })

  it('of another fleet is not touched', async () => {
    const {fleet, images} = await startFleet(2)
    await fleet.apply()
    const other = await fleetFolder()
    writeSource(join(other.folder, 'certs'), {'ca.pem': 'other'})
    const before = await digestsOf(images)
    other.write({fleet: 'others', images, slots: [certs]})
    const report = await other.apply({prune: true})
    expect(report.outcomes.map(({status, code}) => [status, code])).toEqual(
      images.map(() => ['failed', 'ERR_INJECT_FLEET_OTHER']),
    )
    expect(await digestsOf(images)).toEqual(before)
    other.write({fleet: 'others', images, slots: [{...certs, name: 'more', path: '/more'}]})
    expect((await other.apply({prune: true})).totals).toEqual({updated: 2})
    expect(Object.keys(await slotsOf(images[0] ?? ''))).toEqual(['certs', 'more'])
    expect((await fleet.apply({prune: true})).totals).toEqual({unchanged: 2})
  })
})

describe('images by patterns', () => {
  it('are tags by globs, versions and exclusions, without what the fleet makes of them', async () => {
    const {registry, fleet} = await startFleet(0)
    const store = repositoryAt(registry.address, 'base/app')
    for (const tag of ['1.0.0', '1.1.0', '1.2.0', '1.2.0-debug', '2.0.0', 'latest'])
      await putImage(store, {layers: [smallLayer(tag)], tag})
    const image = `${registry.address}/base/app`
    const target = '{{registry}}/{{repository}}:{{tag}}-certs'
    const entry = {image, target, tags: {semver: '>=1.1 <2', exclude: ['*-debug']}}
    fleet.write({images: [entry], slots: [certs]})
    const report = await fleet.apply()
    expect(report.outcomes.map(({target: to}) => to)).toEqual([
      `${image}:1.1.0-certs`,
      `${image}:1.2.0-certs`,
    ])
    fleet.write({
      images: [{image, target, tags: {match: ['1.*'], exclude: ['*-debug'], latest: 2}}],
      slots: [certs],
    })
    expect((await fleet.apply()).outcomes.map(({reference}) => reference)).toEqual([
      `${image}:1.1.0`,
      `${image}:1.2.0`,
    ])
  })

  it('are repositories that the registry lists', async () => {
    const {registry, fleet} = await startFleet(6)
    const other = repositoryAt(registry.address, 'other/app')
    await putImage(other, {layers: [smallLayer('other')]})
    fleet.write({images: [`${registry.address}/base/*:v1`], slots: [certs]})
    expect((await fleet.apply()).totals).toEqual({updated: 6})
    expect(await slotsOf(`${registry.address}/other/app:v1`)).toEqual({})
  })

  it('that match nothing are a failure that is named', async () => {
    const {registry, fleet, images} = await startFleet(1)
    const wanted = `${registry.address}/base/r000:nothing-*`
    fleet.write({images: [wanted, ...images], slots: [certs]})
    expect((await fleet.apply()).outcomes).toMatchObject([
      {reference: wanted, status: 'failed', code: 'ERR_INJECT_FLEET_NO_MATCH'},
      {reference: images[0], status: 'updated'},
    ])
  })
})

describe('a plan', () => {
  it('says that nothing would change once all is done', async () => {
    const {fleet} = await startFleet(3)
    await fleet.apply()
    const {totals, costs} = await fleet.plan()
    expect(totals).toEqual({unchanged: 3})
    expect(costs).toMatchObject({bytesSent: 0, bytesMounted: 0, layersPacked: 0})
  })
})

it('two runs at once lose nothing of each other', async () => {
  const {fleet, images} = await startFleet(8)
  const other = await fleetFolder()
  writeSource(join(other.folder, 'more'), {file: 'other'})
  other.write({fleet: 'others', images, slots: [{name: 'more', source: './more', path: '/more'}]})
  const [one, two] = await Promise.all([fleet.apply(), other.apply()])
  expect([one.totals, two.totals]).toEqual([{updated: 8}, {updated: 8}])
  for (const image of images)
    expect(Object.keys(await slotsOf(image)).sort()).toEqual(['certs', 'more'])
})
