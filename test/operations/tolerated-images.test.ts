import {mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {eject} from '../../src/image/eject.js'
import {inject} from '../../src/image/inject.js'
import {decodeImage, encodedManifest} from '../../src/image/image.js'
import {findOddities} from '../../src/image/oddities.js'
import {findSlot} from '../../src/image/slot.js'
import {digestOf} from '../../src/oci/digest.js'
import {decodeIndex} from '../../src/oci/image-index.js'
import {ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {renderInspect} from '../../src/cli/render/inspect.js'
import {findRoot} from '../../src/operations/copy/roots.js'
import {fetchImage} from '../../src/operations/find/fetch-image.js'
import {inspect} from '../../src/operations/inspect.js'
import {remove} from '../../src/operations/remove.js'
import {setup} from '../../src/operations/setup.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {
  encode,
  type ImageRecipe,
  makeDocuments,
  makeImage,
  makeLayer,
  stored,
  textOf,
} from '../support/images.js'
import {operationPorts} from '../support/operation-ports.js'
import {putDocuments} from '../support/put-documents.js'
import {putImage, type PutImage, smallLayer} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'

const empty = {created_by: 'ENV', empty_layer: true}
const full = {created_by: 'RUN'}
const layers = [smallLayer('a'), smallLayer('b')]

/** Shapes of histories, of two layers, that engines run. */
const histories: [string, readonly object[]][] = [
  ['shorter', [full]],
  ['longer', [full, full, full, full]],
  ['of empty steps only', [empty, empty]],
  ['shorter, of many empty steps', [empty, full, empty, empty]],
]

/** Every command that reads or changes an image, on one of this shape. */
async function throughAllCommands(image: Partial<PutImage>) {
  const folder = await tempDir()
  const store = createMemoryStore('registry.example/app')
  const {digest} = await putImage(store, {layers, ...image})
  const reference = parseReference('registry.example/app:v1')
  const ports = operationPorts(store)
  await inspect({reference}, ports)
  await setup(injectionRequest({reference}), ports)
  for (const content of ['one', 'two']) {
    mkdirSync(join(folder, 'tree/cvmfs'), {recursive: true})
    writeFileSync(join(folder, 'tree/cvmfs/file'), content)
    await update(updateRequest({reference, directory: join(folder, 'tree')}), ports)
  }
  const injected = await fetchImage(store, 'v1', ports.signal)
  const directory = join(folder, 'out')
  const unpacking = {reference, directory, name: 'cvmfs', force: false, devices: false}
  await unpack({...unpacking, strict: false}, ports)
  expect(readdirSync(join(directory, 'cvmfs'))).toEqual(['file'])
  const removed = await remove(injectionRequest({reference}), ports)
  return {original: digest, removed: removed.digest, said: ports.said, injected}
}

describe('W2 a history that does not count up', () => {
  it.each(histories)(
    '%s: all commands go on, warn, and remove gives the original',
    async (_, history) => {
      const {original, removed, said, injected} = await throughAllCommands({config: {history}})
      expect(removed).toBe(original)
      expect(said.join('\n')).toContain(`for 2 layers: not used to tell how they were made`)
      // as many too many or too few as before
      const steps = (list: readonly object[]) =>
        list.filter((step) => !('empty_layer' in step)).length
      expect(steps(injected?.config.value.history ?? [])).toBe(steps(history) + 1)
    },
  )

  it.each(histories)('%s: two slots, divided, come and go without a trace', (_, history) => {
    const before = makeImage({history} as ImageRecipe)
    const injection = {created: '2020-01-01T00:00:00Z', path: '/'}
    const two = [makeLayer('x'), makeLayer('y')]
    const one = inject(before, {...injection, name: 'one', layers: [makeLayer('1')]})
    let both = inject(one, {...injection, name: 'both', layers: two, sharding: 2})
    both = inject(both, {...injection, name: 'both', layers: [makeLayer('z'), ...two], sharding: 3})
    both = inject(both, {...injection, name: 'both', layers: [makeLayer('w')]})
    expect(findSlot(both, 'both')?.newest).toBe(Date.parse(injection.created) / 1000)
    const after = eject(eject(both, 'one'), 'both')
    expect(JSON.parse(textOf(after.config))).toEqual({
      ...(JSON.parse(textOf(before.config)) as object),
      config: {Env: ['PATH=/bin'], Cmd: ['sh'], Labels: {}},
    })
    expect(after.manifest.value.layers).toEqual(before.manifest.value.layers)
  })

  it('a slot that was put in before the history ceased to count up', () => {
    const injection = {created: '2020-01-01T00:00:00Z', path: '/', name: 'cvmfs'}
    const slotted = inject(makeImage(), {...injection, layers: [makeLayer('1')]})
    // what a tool does that appends a layer and forgets the history
    const {history} = slotted.config.value
    const child = makeImage({
      layers: [
        ...slotted.manifest.value.layers.map((descriptor, at) => {
          return {descriptor, diffId: slotted.config.value.rootfs.diff_ids[at]!}
        }),
        makeLayer('child'),
      ],
      labels: slotted.config.value.config!.Labels!,
      history: history as ImageRecipe['history'],
    })
    expect(findOddities(child)).toHaveLength(1)
    const updated = inject(child, {
      ...injection,
      layers: [makeLayer('2')],
      created: '2021-01-01T00:00:00Z',
    })
    expect(updated.config.value.history).toHaveLength(history!.length)
    expect(findSlot(updated, 'cvmfs')).toMatchObject({layer: 2, newest: 1_609_459_200})
    expect(eject(updated, 'cvmfs').config.value.history).toHaveLength(history!.length - 1)
  })
})

describe('W1 an image whose config has a general media type', () => {
  const types = [
    'application/octet-stream',
    'application/json',
    'text/html',
    'text/plain',
    '',
    null,
  ]
  const odd = types.flatMap((type) =>
    (['docker', 'oci'] as const).map((family) => [type, family] as const),
  )
  it.each(odd)('%j in a manifest of %s', (mediaType, family) => {
    const before = makeImage({family})
    const config = {...before.manifest.value.config, mediaType}
    const image = makeImage({family, manifestMembers: {config}})
    expect(findOddities(image)).toHaveLength(1)
    const injection = {created: '2020-01-01T00:00:00Z', path: '/', name: 'cvmfs'}
    const injected = inject(image, {...injection, layers: [makeLayer('1', family)]})
    expect(textOf(eject(injected, 'cvmfs').manifest)).toContain(
      mediaType === null ? '"mediaType":null' : `"mediaType":"${mediaType}"`,
    )
  })

  it('is an artifact where a layer is not one of a file system', () => {
    const {config, layers} = makeImage().manifest.value
    const members = {
      config: {...config, mediaType: 'application/octet-stream'},
      layers: [{...layers[0], mediaType: 'application/vnd.wasm.content.layer.v1+wasm'}, layers[1]],
    }
    expect(() => makeImage({manifestMembers: members})).toThrow('not an image')
  })

  it('is an artifact where the config is not one, or there are no layers', () => {
    const {config} = makeImage({layers: 0, history: []}).manifest.value
    const general = {...config, mediaType: 'application/json'}
    expect(() => makeImage({layers: 0, history: [], manifestMembers: {config: general}})).toThrow(
      'not an image',
    )
    const {manifest, configBytes} = makeDocuments({configMembers: {rootfs: null}})
    const {config: own} = JSON.parse(textOf(manifest)) as {config: object}
    const text = textOf(manifest).replace(
      JSON.stringify(own),
      JSON.stringify({...own, mediaType: ''}),
    )
    const bytes = encode(text)
    expect(() => decodeImage(encodedManifest(stored(bytes, ociManifest)), configBytes)).toThrow(
      'not an image',
    )
  })
})

describe('W6 an image without room for a slot', () => {
  it('is refused before anything is packed, with the limit', async () => {
    const store = createMemoryStore('registry.example/app')
    await putImage(store, {layers: Array.from({length: 127}, (_, at) => smallLayer(`l${at}`))})
    const reference = parseReference('registry.example/app:v1')
    const folder = await tempDir()
    const ports = operationPorts(store)
    const refused = {code: 'ERR_INJECT_IMAGE_FULL', expected: 127, found: 128}
    const updating = update(updateRequest({reference, directory: folder}), ports)
    await expect(updating).rejects.toMatchObject(refused)
    await expect(setup(injectionRequest({reference}), ports)).rejects.toMatchObject(refused)
    const steps = ports.events.flatMap((event) => (event.kind === 'step' ? [event.step] : []))
    expect(new Set(steps)).toEqual(new Set(['read image']))
  })

  it('but takes a slot at the limit, which is then replaced', async () => {
    const store = createMemoryStore('registry.example/app')
    await putImage(store, {layers: Array.from({length: 126}, (_, at) => smallLayer(`l${at}`))})
    const reference = parseReference('registry.example/app:v1')
    const folder = await tempDir()
    writeFileSync(join(folder, 'file'), 'x')
    await setup(injectionRequest({reference}), operationPorts(store))
    await update(updateRequest({reference, directory: folder}), operationPorts(store))
    const image = await fetchImage(store, 'v1', new AbortController().signal)
    expect(image?.manifest.value.layers).toHaveLength(127)
  })
})

describe('W4 artifacts beside images', () => {
  const emptyConfig = 'application/vnd.oci.empty.v1+json'

  /** An index of two images and of what is none, without and with a platform. */
  async function putMixed() {
    const store = createMemoryStore('registry.example/app')
    const entries = []
    for (const architecture of ['amd64', 'arm64']) {
      const image = await putImage(store, {
        layers: [smallLayer(architecture)],
        config: {architecture},
      })
      entries.push({...image, platform: {os: 'linux', architecture}})
    }
    const members = {config: {mediaType: emptyConfig, digest: digestOf(encode('{}')), size: 2}}
    const sbom = await putDocuments(store, {config: {}, layers: [], members})
    const wasm = await putDocuments(store, {
      config: {},
      layers: [],
      members: {
        ...members,
        config: {...members.config, mediaType: 'application/vnd.wasm.config.v0+json'},
      },
    })
    entries.push(sbom, {...wasm, platform: {os: 'wasi', architecture: 'wasm'}})
    const index = {schemaVersion: 2, mediaType: ociIndex, manifests: entries}
    const bytes = encode(JSON.stringify(index))
    const {digest} = await store.putManifest(bytes, ociIndex, {
      tags: [{tag: 'v1', from: undefined}],
    })
    return {store, digest, sbom, wasm}
  }

  const reference = parseReference('registry.example/app:v1')
  const readIndex = async (store: ReturnType<typeof createMemoryStore>) => {
    const stored = await store.getManifest('v1')
    return decodeIndex(stored!.bytes, ociIndex)
  }

  it('are shown and not counted', async () => {
    const {store, sbom, wasm} = await putMixed()
    const result = await inspect({reference}, operationPorts(store))
    if (!('images' in result)) throw new Error('not an index')
    expect(result.images.map(({platform}) => platform.architecture)).toEqual(['amd64', 'arm64'])
    expect(result.artifacts.map(({digest}) => digest)).toEqual([sbom.digest, wasm.digest])
    expect(renderInspect(result)).toContain(`artifact`)
    expect(renderInspect(result)).toContain('index of 2 images')
  })

  it.each([
    ['all' as const, [0, 1]],
    [[{os: 'linux', architecture: 'amd64'}], [0]],
  ])(
    'stay byte for byte with --platform %j, and remove gives the original',
    async (platforms, changed) => {
      const {store, digest, sbom, wasm} = await putMixed()
      const before = await readIndex(store)
      const folder = await tempDir()
      writeFileSync(join(folder, 'file'), 'x')
      const options = updateRequest({reference, directory: folder, platforms})
      await update(options, operationPorts(store))
      const {manifests} = await readIndex(store)
      expect(manifests.slice(2)).toEqual(before.manifests.slice(2))
      expect(manifests.slice(2).map((entry) => entry.digest)).toEqual([sbom.digest, wasm.digest])
      const differing = [0, 1].filter(
        (at) => manifests[at]?.digest !== before.manifests[at]?.digest,
      )
      expect(differing).toEqual(changed)
      const removed = await remove(injectionRequest({reference, platforms}), operationPorts(store))
      expect(removed).toMatchObject({digest, original: true})
    },
  )

  it('an artifact that is asked for by its platform is named', async () => {
    const {store, wasm} = await putMixed()
    const platforms = [{os: 'wasi', architecture: 'wasm'}]
    const options = updateRequest({reference, directory: await tempDir(), platforms})
    await expect(update(options, operationPorts(store))).rejects.toMatchObject({
      code: 'ERR_INJECT_NOT_AN_IMAGE',
      message: `the entry for wasi/wasm of registry.example/app:v1 is not an image but an artifact: ${wasm.digest}`,
    })
  })

  it('stay in a copy of some platforms', async () => {
    const {store, sbom} = await putMixed()
    const choice = [
      {os: 'linux', architecture: 'amd64'},
      {os: 'wasi', architecture: 'wasm'},
    ]
    const {stored: kept} = await findRoot(store, reference, choice, operationPorts(store))
    const {manifests} = decodeIndex(kept.bytes, ociIndex)
    expect(manifests.map((entry) => entry.digest)).toContain(sbom.digest)
    expect(manifests).toHaveLength(3)
  })
})
