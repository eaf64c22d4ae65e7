import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {parseReference} from '../../src/oci/names/reference.js'
import {setup} from '../../src/operations/setup.js'
import {update} from '../../src/operations/update.js'
import {openRegistryStore} from '../../src/registry/registry-store.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {countDocumentWork} from '../support/counted-work.js'
import {createFakeRegistry} from '../support/fake-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {putIndex} from '../support/layout-index.js'
import {operationPorts} from '../support/operation-ports.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {type InjectionOptions, injectionRequest, updateRequest} from '../support/update-options.js'

const places = {
  async registry(): Promise<ContentStore> {
    const server = await startFakeServer(createFakeRegistry({}).handler)
    const where = {registry: server.url.host, repository: 'team/app'}
    return openRegistryStore(where, {env: {}, home: '/nonexistent', writes: true})
  },
  async layout(): Promise<ContentStore> {
    return openLayoutStore(join(await tempDir(), 'layout'), {create: true})
  },
}

const commands = {
  async update(options: InjectionOptions, store: ContentStore) {
    const tree = join(await tempDir(), 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'content')
    return update(updateRequest({...options, directory: tree}), operationPorts(store))
  },
  setup: (options: InjectionOptions, store: ContentStore) =>
    setup(injectionRequest(options), operationPorts(store)),
}

const once = {parsed: 1, hashed: 1}

it.each([
  ['registry', 'update'],
  ['registry', 'setup'],
  ['layout', 'update'],
] as const)(
  'in a %s, %s parses and hashes the manifest of an image once',
  async (place, command) => {
    const store = await places[place]()
    await putImage(store, {layers: [smallLayer('base')]})
    const before = await store.getManifest('v1')
    const workOn = countDocumentWork()
    expect(await commands[command]({}, store)).toMatchObject({changed: true})
    expect(workOn(before!.bytes)).toEqual(once)
    const after = await store.getManifest('v1')
    // it is hashed to name it, and by whoever stores it
    expect(workOn(after!.bytes)).toMatchObject({parsed: 1})
  },
)

it.each(['update', 'setup'] as const)(
  'in a registry, %s parses and hashes an index and each of its manifests once',
  async (command) => {
    const store = await places.registry()
    await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    const index = await store.getManifest('v1')
    const {manifests} = JSON.parse(Buffer.from(index!.bytes).toString()) as {
      manifests: {digest: string}[]
    }
    const images = await Promise.all(manifests.map(({digest}) => store.getManifest(digest)))
    const workOn = countDocumentWork()
    expect(await commands[command]({platforms: 'all'}, store)).toMatchObject({changed: true})
    for (const document of [index, ...images]) expect(workOn(document!.bytes)).toEqual(once)
  },
)

it('a result that goes elsewhere starts from a manifest that is parsed and hashed once', async () => {
  const [source, target] = [await places.registry(), await places.layout()]
  await putImage(source, {layers: [smallLayer('base')]})
  const before = await source.getManifest('v1')
  const request = injectionRequest({to: parseReference('oci:elsewhere:v1')})
  const workOn = countDocumentWork()
  const ports = operationPorts(source)
  const openStore: typeof ports.openStore = (reference, options) =>
    reference.kind === 'layout' ? Promise.resolve(target) : ports.openStore(reference, options)
  expect(await setup(request, {...ports, openStore})).toMatchObject({changed: true})
  expect(workOn(before!.bytes)).toEqual(once)
})
