import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {gunzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {createTarStream} from '../../src/archive/tar-stream.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf, hexOf} from '../../src/oci/digest.js'
import {ociConfig, ociManifest} from '../../src/oci/media-type.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {bytesSource} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {localPorts} from '../support/local-ports.js'
import {putBareImage} from '../support/put-documents.js'
import {putImage, smallLayer} from '../support/put-image.js'
import {jsonIn, namesIn, saveTo} from '../support/save.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

const app = 'registry.example/team/app'

interface Saved {
  readonly Config: string
  readonly RepoTags: string[] | null
  readonly Layers: string[]
  readonly LayerSources?: Record<string, Descriptor>
}
interface Index {
  readonly manifests: (Descriptor & {annotations?: Record<string, string>})[]
}

/** A store called `registry.example/team/app`, with an image `v1` of two layers. */
async function makeApp(): Promise<{store: ContentStore; image: Descriptor; folder: string}> {
  const store = createMemoryStore(app)
  const image = await putImage(store, {layers: [smallLayer('base'), smallLayer('app')]})
  return {store, image, folder: await tempDir()}
}

describe('an archive of images', () => {
  it('SYSTEMS 3.5.9 is the same each time, has each blob once, and one entry for an image of two tags', async () => {
    const {store, image, folder} = await makeApp()
    const same = await store.getManifest('v1')
    await store.putManifest(same!.bytes, ociManifest, {tags: [{tag: 'v2', from: undefined}]})
    const other = createMemoryStore('docker.io/library/tool')
    await putImage(other, {layers: [smallLayer('base'), smallLayer('tool')], tag: 'latest'})
    const ports = localPorts({[app]: store, 'docker.io/library/tool': other})
    const images = [`${app}:v1`, 'tool', `${app}:v2`]
    const result = await saveTo(join(folder, 'a.tar'), images, ports)
    await saveTo(join(folder, 'b.tar'), images, ports)
    expect(readFileSync(join(folder, 'a.tar')).equals(readFileSync(join(folder, 'b.tar')))).toBe(
      true,
    )
    expect(readdirSync(folder)).toEqual(['a.tar', 'b.tar'])
    expect(result.images.map(({names}) => names)).toEqual([
      [`${app}:v1`, `${app}:v2`],
      ['docker.io/library/tool:latest'],
    ])
    const names = await namesIn(join(folder, 'a.tar'))
    expect(new Set(names).size).toBe(names.length)
    const saved = await jsonIn<Saved[]>(join(folder, 'a.tar'), 'manifest.json')
    expect(saved.map(({RepoTags}) => RepoTags)).toEqual([
      [`${app}:v1`, `${app}:v2`],
      ['tool:latest'],
    ])
    // two configs, two manifests, three layers
    expect(names.filter((name) => /^blobs\/sha256\/./.test(name))).toHaveLength(7)
    const {manifests} = await jsonIn<Index>(join(folder, 'a.tar'), 'index.json')
    expect(manifests.map(({annotations}) => annotations)).toEqual([
      {'io.containerd.image.name': `${app}:v1`, 'org.opencontainers.image.ref.name': 'v1'},
      {'io.containerd.image.name': `${app}:v2`, 'org.opencontainers.image.ref.name': 'v2'},
      {
        'io.containerd.image.name': 'docker.io/library/tool:latest',
        'org.opencontainers.image.ref.name': 'latest',
      },
    ])
    expect(manifests[0]).toMatchObject({digest: image.digest})
    const repositories = await jsonIn(join(folder, 'a.tar'), 'repositories')
    const top = (at: number) => saved[at]!.Layers.at(-1)!.slice('blobs/sha256/'.length)
    expect(repositories).toEqual({[app]: {v1: top(0), v2: top(0)}, tool: {latest: top(1)}})
  })

  it('SYSTEMS 3.5.9 never calls an image by a digest', async () => {
    const {store, image, folder} = await makeApp()
    await saveTo(join(folder, 'a.tar'), [`${app}@${image.digest}`], localPorts({[app]: store}))
    expect(await jsonIn<Saved[]>(join(folder, 'a.tar'), 'manifest.json')).toMatchObject([
      {RepoTags: null},
    ])
    const {manifests} = await jsonIn<Index>(join(folder, 'a.tar'), 'index.json')
    expect(manifests[0]).not.toHaveProperty('annotations')
    expect(await namesIn(join(folder, 'a.tar'))).not.toContain('repositories')
  })

  it('tells two images of one tag apart, and refuses one name for two', async () => {
    const {store, folder} = await makeApp()
    const other = createMemoryStore('registry.example/tool')
    await putImage(other, {layers: [smallLayer('tool')]})
    const ports = localPorts({[app]: store, 'registry.example/tool': other})
    const file = join(folder, 'a.tar')
    await saveTo(file, [`${app}:v1`, 'registry.example/tool:v1'], ports)
    const {manifests} = await jsonIn<Index>(file, 'index.json')
    expect(
      manifests.map((each) => each.annotations?.['org.opencontainers.image.ref.name']),
    ).toEqual([`${app}:v1`, 'registry.example/tool:v1'])
    const names = [{repository: undefined, tag: 'v1'}]
    await expect(
      saveTo(file, [`${app}:v1`, 'registry.example/tool:v1'], ports, {names}),
    ).rejects.toMatchObject({code: 'ERR_INJECT_NAME_AMBIGUOUS'})
  })

  it('SYSTEMS 3.5.8 keeps layers that are there twice in their order', async () => {
    const {store, folder} = await makeApp()
    await putImage(store, {layers: [smallLayer('b'), smallLayer('a'), smallLayer('b')]})
    await saveTo(join(folder, 'a.tar'), [`${app}:v1`], localPorts({[app]: store}))
    const [saved] = await jsonIn<Saved[]>(join(folder, 'a.tar'), 'manifest.json')
    const [first, second, third] = saved!.Layers
    expect(third).toBe(first)
    expect(second).not.toBe(first)
  })

  it('SYSTEMS 3.5.8 needs diff IDs, and one image of an index', async () => {
    const {store, folder} = await makeApp()
    await putBareImage(
      store,
      [{mediaType: `${layerType}+gzip`, digest: digestOf(Buffer.from('x')), size: 1}],
      [],
    )
    const ports = localPorts({[app]: store})
    await expect(saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports)).rejects.toMatchObject({
      name: 'IntegrityError',
    })
    await putIndex(store, {platforms: ['linux/amd64', 'linux/arm64']})
    await expect(saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports)).rejects.toMatchObject({
      code: 'ERR_INJECT_PLATFORM_NEEDED',
    })
    await saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports, {on: 'linux/arm64'})
    const [saved] = await jsonIn<Saved[]>(join(folder, 'a.tar'), 'manifest.json')
    expect(await jsonIn(join(folder, 'a.tar'), saved!.Config)).toMatchObject({
      architecture: 'arm64',
    })
    expect(saved?.RepoTags).toEqual([`${app}:v1`])
  })

  it.each([
    ['oci', 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'],
    ['docker', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'],
  ] as const)(
    'SYSTEMS 3.5.8 has the addresses of %s foreign layers, and never asks them',
    async (family, mediaType) => {
      const {store, folder} = await makeApp()
      const urls = ['https://127.0.0.1:1/layer']
      await putImage(store, {family, layers: [{missing: true, mediaType, urls}, smallLayer('app')]})
      const ports = localPorts({[app]: store})
      const result = await saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports)
      expect(result.images).toMatchObject([{foreign: 1, layers: 2}])
      const [saved] = await jsonIn<Saved[]>(join(folder, 'a.tar'), 'manifest.json')
      const digest = digestOf(Buffer.from('nowhere'))
      expect(saved?.LayerSources).toEqual({[digest]: {mediaType, digest, size: 7, urls}})
      expect(saved?.Layers[0]).toBe(`blobs/sha256/${hexOf(digest)}`)
      expect(await namesIn(join(folder, 'a.tar'))).not.toContain(saved?.Layers[0])
      await expect(
        saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports, {legacy: true}),
      ).rejects.toMatchObject({code: 'ERR_INJECT_FOREIGN_LAYER'})
    },
  )

  it('--legacy adds a directory for each layer, chained by parents, shared by images', async () => {
    const {store, folder} = await makeApp()
    const other = createMemoryStore('registry.example/tool')
    await putImage(other, {layers: [smallLayer('base'), smallLayer('tool')]})
    const file = join(folder, 'a.tar')
    const ports = localPorts({[app]: store, 'registry.example/tool': other})
    await saveTo(file, [`${app}:v1`, 'registry.example/tool:v1'], ports, {legacy: true})
    const ids = (await namesIn(file)).flatMap((name) => /^([0-9a-f]{64})\/$/.exec(name)?.[1] ?? [])
    expect(ids).toHaveLength(3)
    const repositories = await jsonIn<Record<string, Record<string, string>>>(file, 'repositories')
    for (const [name, {v1 = ''}] of Object.entries(repositories)) {
      const top = await jsonIn<Record<string, unknown>>(file, `${v1}/json`)
      expect(top, name).toMatchObject({id: v1, parent: ids[0], config: {Cmd: ['sh']}})
      expect(top).not.toHaveProperty('rootfs')
    }
    const base = await jsonIn<Record<string, unknown>>(file, `${ids[0]}/json`)
    expect(base).toEqual({
      created: '1970-01-01T00:00:00Z',
      os: 'linux',
      architecture: 'amd64',
      id: ids[0],
    })
    expect(await namesIn(file)).toEqual(
      expect.arrayContaining(ids.flatMap((id) => [`${id}/VERSION`, `${id}/layer.tar`])),
    )
  })

  it('--compression changes layers and manifest, and neither config nor diff IDs', async () => {
    const {store, folder} = await makeApp()
    const ports = localPorts({[app]: store})
    const file = (name: string) => join(folder, name)
    const {images: kept} = await saveTo(file('keep.tar'), [`${app}:v1`], ports)
    const {images: plain} = await saveTo(file('none.tar'), [`${app}:v1`], ports, {
      compression: 'none',
    })
    expect(plain[0]?.config).toBe(kept[0]?.config)
    expect(plain[0]?.digest).not.toBe(kept[0]?.digest)
    const [saved] = await jsonIn<Saved[]>(file('none.tar'), 'manifest.json')
    const config = await jsonIn<{rootfs: {diff_ids: string[]}}>(file('none.tar'), saved!.Config)
    expect(saved?.Layers).toEqual(
      config.rootfs.diff_ids.map((diffId) => `blobs/sha256/${diffId.slice('sha256:'.length)}`),
    )
    const {manifests} = await jsonIn<Index>(file('none.tar'), 'index.json')
    const manifest = await jsonIn<{layers: Descriptor[]}>(
      file('none.tar'),
      `blobs/sha256/${hexOf(manifests[0]!.digest)}`,
    )
    expect(manifest.layers.map(({mediaType}) => mediaType)).toEqual([layerType, layerType])
    // the same content as ours is compressed to the same bytes
    const back = await saveTo(
      file('gzip.tar'),
      [`docker-archive:${file('none.tar')}:${app}:v1`],
      ports,
      {
        compression: 'gzip',
      },
    )
    expect(back.images).toMatchObject([{digest: kept[0]?.digest, names: [`${app}:v1`]}])
    expect(readFileSync(file('gzip.tar')).equals(readFileSync(file('keep.tar')))).toBe(true)
    expect(readdirSync(folder).sort()).toEqual(['gzip.tar', 'keep.tar', 'none.tar'])
  })

  it('P17 saved, loaded and saved again is byte for byte the same', async () => {
    const {store, folder} = await makeApp()
    const file = (name: string) => join(folder, name)
    const ports = localPorts({[app]: store})
    for (const legacy of [false, true]) {
      await saveTo(file('a.tar'), [`${app}:v1`], ports, {legacy})
      await saveTo(file('b.tar'), [`docker-archive:${file('a.tar')}:${app}:v1`], ports, {legacy})
      expect(readFileSync(file('b.tar')).equals(readFileSync(file('a.tar')))).toBe(true)
    }
  })

  it('SYSTEMS 3.5.5 goes out as fast as it is taken, with nothing piling up', async () => {
    const mebi = 1024 * 1024
    let pulled = 0
    let taken = 0
    let most = 0
    async function* endless() {
      for (let at = 0; at < 50; at++) {
        pulled++
        most = Math.max(most, pulled - taken)
        yield await Promise.resolve(Buffer.alloc(mebi))
      }
    }
    const tar = createTarStream(async ({length}) => {
      await new Promise(setImmediate)
      if (length === mebi) taken++
    })
    await tar.addFile('x', 50 * mebi, endless())
    await tar.commit()
    expect(most).toBeLessThanOrEqual(3)
  })
})

const layerType = 'application/vnd.oci.image.layer.v1.tar'

describe('an archive of a hostile image', () => {
  const tar = archive(member({name: 'x', content: 'y'}))
  const digest = digestOf(tar)

  it.each([
    ['M28 L34 a layer that is shorter than it says', {size: tar.length + 1}, 'IntegrityError'],
    ['M28 L34 a layer that is longer than it says', {size: tar.length - 1}, 'IntegrityError'],
    ['a layer that is not there', {digest: digestOf(Buffer.from('other'))}, 'NotFoundError'],
    ['a media type with line breaks', {mediaType: 'x\r\nHeader: y\n'}, 'PreconditionError'],
    ['M34 an encrypted layer', {mediaType: `${layerType}+encrypted`}, 'PreconditionError'],
    ['a config in the place of a layer', {mediaType: ociConfig}, 'PreconditionError'],
    ['M28 a size that is not a size', {size: -1}, 'IntegrityError'],
    ['M29 a digest with ..', {digest: `sha256:../${'a'.repeat(61)}`}, 'IntegrityError'],
  ])('%s: refused, and what was there stays', async (_, lie, name) => {
    const folder = await tempDir()
    const file = join(folder, 'a.tar')
    writeFileSync(file, 'before')
    const store = createMemoryStore(app)
    await store.putBlob(bytesSource(tar))
    await putBareImage(store, [{mediaType: layerType, digest, size: tar.length, ...lie}], [digest])
    const error: unknown = await saveTo(file, [`${app}:v1`], localPorts({[app]: store})).catch(
      (thrown: unknown) => thrown,
    )
    expect(error).toMatchObject({name})
    expect((error as Error).message).not.toMatch(/[\r\n]/)
    expect(readFileSync(file, 'utf8')).toBe('before')
    expect(readdirSync(folder)).toEqual(['a.tar'])
  })

  it('one blob with two sizes: refused', async () => {
    const store = createMemoryStore(app)
    const folder = await tempDir()
    await store.putBlob(bytesSource(tar))
    const one = {mediaType: layerType, digest, size: tar.length}
    await putBareImage(store, [one, {...one, size: 5}], [digest, digest])
    await expect(
      saveTo(join(folder, 'a.tar'), [`${app}:v1`], localPorts({[app]: store})),
    ).rejects.toThrow('is said to be of')
  })

  it('T-13 a layer that unpacks to zeros without end: refused where it is to be unpacked', async () => {
    const {gzipSync} = await import('node:zlib')
    const bomb = gzipSync(Buffer.alloc(100 << 20), {level: 9})
    const diffId = digestOf(gunzipSync(bomb))
    const store = createMemoryStore(app)
    const folder = await tempDir()
    await putImage(store, {layers: [{blob: bomb, diffId}]})
    const ports = localPorts({[app]: store})
    await expect(
      saveTo(join(folder, 'a.tar'), [`${app}:v1`], ports, {compression: 'none'}),
    ).rejects.toMatchObject({name: 'LimitError'})
    expect(readdirSync(folder)).toEqual([])
  })

  it('M31 10,000 layers are an archive like others', async () => {
    const folder = await tempDir()
    const store = createMemoryStore(app)
    await store.putBlob(bytesSource(tar))
    const one = {mediaType: layerType, digest, size: tar.length}
    await putBareImage(store, Array<object>(10_000).fill(one), Array<string>(10_000).fill(digest))
    const ports = localPorts({[app]: store})
    const file = join(folder, 'a.tar')
    await saveTo(file, [`${app}:v1`], ports, {legacy: true})
    const [saved] = await jsonIn<Saved[]>(file, 'manifest.json')
    expect(saved?.Layers).toHaveLength(10_000)
  })

  it('T-01 a name with .. in an archive names nothing', async () => {
    const folder = await tempDir()
    const config = JSON.stringify({
      os: 'linux',
      architecture: 'amd64',
      rootfs: {type: 'layers', diff_ids: [digest]},
    })
    const manifest = [{Config: 'c.json', RepoTags: ['../../etc/x:v1', 'a:v1'], Layers: ['l.tar']}]
    writeFileSync(
      join(folder, 'in.tar'),
      archive(
        member({name: 'manifest.json', content: JSON.stringify(manifest)}),
        member({name: 'c.json', content: config}),
        member({name: 'l.tar', content: tar}),
      ),
    )
    const file = join(folder, 'a.tar')
    await saveTo(file, [`docker-archive:${folder}/in.tar`], localPorts())
    const names = await namesIn(file)
    expect(names.filter((name) => name.includes('..'))).toEqual([])
    expect(JSON.stringify(await jsonIn(file, 'manifest.json'))).not.toContain('..')
  })

  it('I7 a full disk is said in one line, and leaves what was there', async ({skip}) => {
    const folder = await mountTmpfs('size=1m')
    if (folder === undefined) return skip('mounting is not allowed here')
    const file = join(folder, 'a.tar')
    writeFileSync(file, 'before')
    const store = createMemoryStore(app)
    const large = archive(member({name: 'x', content: Buffer.alloc(2 << 20, 'x')}))
    await putImage(store, {
      layers: [{blob: large, mediaType: layerType, diffId: digestOf(large)}],
    })
    for (const compression of ['keep', 'none', 'gzip'] as const) {
      const error: unknown = await saveTo(file, [`${app}:v1`], localPorts({[app]: store}), {
        compression,
      }).catch((thrown: unknown) => thrown)
      if (compression === 'gzip') continue // 2 MiB of one letter are small
      expect(error).toMatchObject({code: 'ERR_INJECT_LOCAL_IO'})
      expect((error as Error).message).toContain('ENOSPC')
      expect(readFileSync(file, 'utf8')).toBe('before')
    }
    expect(readdirSync(folder)).toEqual(['a.tar'])
    expect(existsSync(file)).toBe(true)
  })
})
