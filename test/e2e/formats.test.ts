import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {digestOf, parseDigest} from '../../src/oci/digest.js'
import {skopeoCopy} from '../support/busybox-image.js'
import {inject, injectJson} from '../support/cli.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {startFakeServer} from '../support/fake-server.js'
import {putIndex} from '../support/layout-index.js'
import {collect, openRegistry} from '../support/open-registry.js'
import {makeEntry, putImage, type PutImage} from '../support/put-image.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {zstdProgram} from '../support/zstd-program.js'

const oci = 'application/vnd.oci.image.layer.v1.tar'
const docker = 'application/vnd.docker.image.rootfs'

interface Manifest {
  readonly mediaType: string
  readonly config: {readonly mediaType: string; readonly digest: string}
  readonly layers: readonly {
    readonly mediaType: string
    readonly digest: string
    readonly size: number
  }[]
  readonly manifests: readonly {readonly mediaType: string; readonly digest: string}[]
  readonly annotations?: Readonly<Record<string, string>>
}

const base = {layers: [{entries: [makeEntry('etc/'), makeEntry('etc/base')]}]}

async function start(image: PutImage | null = base, address?: string) {
  const at = address ?? (await serveRegistry()).address
  const {store} = openRegistry(at)
  const stored = image && (await putImage(store, image))
  const tree = join(await tempDir(), 'tree')
  mkdirSync(join(tree, 'cvmfs'), {recursive: true})
  writeFileSync(join(tree, 'cvmfs/file'), 'content '.repeat(1000))
  const accept = [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
  ].join()
  const get = (reference: string) =>
    send(at, 'GET', `/v2/team/app/manifests/${reference}`, {headers: {accept}})
  const manifest = async (reference: string) => (await get(reference)).json() as Manifest
  const digestAt = async (reference: string) => digestOf((await get(reference)).body)
  const blob = async (digest: string) =>
    (await send(at, 'GET', `/v2/team/app/blobs/${digest}`)).body
  return {address: at, image: `${at}/team/app`, store, stored, tree, manifest, digestAt, blob}
}

async function unpacked(image: string): Promise<string> {
  const out = join(await tempDir(), 'out')
  await injectJson(['unpack', image, out])
  return readFileSync(join(out, 'cvmfs/file'), 'utf8')
}

describeWith(['docker-registry', 'skopeo', 'zstd'], 'compression', () => {
  it.each([
    ['gzip', `${oci}+gzip`, '1f8b08'],
    ['zstd', `${oci}+zstd`, '28b52f'],
    ['none', oci, '63766d'],
  ])('%s is written, named, and read by skopeo and by us', async (compression, type, magic) => {
    const {address} = await startDockerRegistry()
    const {image, tree, manifest, blob} = await start(base, address)
    const flags = ['--compression', compression]
    const result = await injectJson(['update', `${image}:v1`, tree, '-t', 'v2', ...flags])
    const {layers} = await manifest('v2')
    expect(layers[1]?.mediaType).toBe(type)
    const bytes = await blob(layers[1]?.digest ?? '')
    expect(bytes.toString('hex', 0, 3)).toBe(magic)
    if (compression === 'zstd') await zstdProgram(['-q', '-t'], bytes)

    const out = join(await tempDir(), 'dir')
    await skopeoCopy(`docker://${image}:v2`, `dir:${out}`, '--dest-decompress')
    const {diffId} = result['layer'] as {diffId: string}
    expect(readdirSync(out)).toContain(parseDigest(diffId).slice('sha256:'.length))

    expect(await unpacked(`${image}:v2`)).toBe('content '.repeat(1000))
    for (const other of ['gzip', 'zstd', 'none']) {
      const again = ['update', `${image}:v2`, tree, '--compression', other]
      expect(await injectJson(again)).toMatchObject({changed: false, tags: []})
    }
    writeFileSync(join(tree, 'cvmfs/file'), 'other')
    await injectJson(['update', `${image}:v2`, tree])
    expect((await manifest('v2')).layers.map(({mediaType}) => mediaType)).toEqual([
      `${oci}+gzip`,
      `${oci}+gzip`,
    ])
  })

  it.each([
    ['gzip of another level', ['--dest-compress-format', 'gzip', '--dest-compress-level', '9']],
    ['zstd', ['--dest-compress-format', 'zstd']],
  ])(
    'a slot that skopeo recompressed to %s is found, read, kept and replaced, and its label refreshed',
    async (_, how) => {
      const {image: from, tree} = await start(base, (await startDockerRegistry()).address)
      const first = await injectJson(['update', `${from}:v1`, tree])
      const plain = join(await tempDir(), 'plain')
      await skopeoCopy(`docker://${from}:v1`, `dir:${plain}`, '--dest-decompress')
      // to another registry: skopeo remembers which blobs are the same, and takes what is there
      const {image, manifest} = await start(null, (await startDockerRegistry()).address)
      await skopeoCopy(`dir:${plain}`, `docker://${image}:other`, ...how)
      const before = await manifest('other')
      const {digest, diffId} = first['layer'] as {digest: string; diffId: string}
      expect(before.layers.map((layer) => layer.digest)).not.toContain(digest)

      expect(await unpacked(`${image}:other`)).toBe('content '.repeat(1000))
      // the label for CernVM-FS's tool names a blob that this registry does not have
      const same = await injectJson(['update', `${image}:other`, tree])
      expect(same).toMatchObject({
        slot: {action: 'edited'},
        layer: {diffId, uploaded: false},
      })
      expect((await manifest('other')).layers).toEqual(before.layers)
      const again = await injectJson(['update', `${image}:other`, tree])
      expect(again).toMatchObject({changed: false, tags: []})
      const listed = await injectJson(['list', `${image}:other`])
      expect(JSON.stringify(listed)).toContain(diffId)

      writeFileSync(join(tree, 'cvmfs/file'), 'other')
      const replaced = await injectJson(['update', `${image}:other`, tree])
      expect(replaced).toMatchObject({changed: true, slot: {action: 'replaced'}})
      const after = await manifest('other')
      expect(after.layers).toHaveLength(2)
      expect(after.layers[0]).toEqual(before.layers[0])
      expect(await unpacked(`${image}:other`)).toBe('other')
    },
  )

  it('zstd in an image of Docker’s is refused before anything is sent, and --to-oci makes it one of OCI’s', async () => {
    const {image, tree, manifest, digestAt} = await start({...base, family: 'docker'})
    const original = await digestAt('v1')
    for (const args of [
      ['update', `${image}:v1`, tree],
      ['setup', `${image}:v1`],
    ]) {
      const refused = await inject([...args, '--compression', 'zstd'])
      expect(refused.exitCode).toBe(11)
      expect(refused.stderr).toMatch(
        /^inject: the image is in Docker's format[^\n]*--to-oci[^\n]*$/m,
      )
    }
    expect(await digestAt('v1')).toBe(original)
    await injectJson(['update', `${image}:v1`, tree, '--compression', 'none', '-t', 'v2'])
    expect((await manifest('v2')).layers[1]?.mediaType).toBe(`${docker}.diff.tar`)

    await injectJson(['update', `${image}:v1`, tree, '--compression', 'zstd', '--to-oci'])
    expect(await manifest('v1')).toMatchObject({
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: {mediaType: 'application/vnd.oci.image.config.v1+json'},
      layers: [{mediaType: `${oci}+gzip`}, {mediaType: `${oci}+zstd`}],
      annotations: {'dev.inject.base': original},
    })
    const out = join(await tempDir(), 'out')
    await skopeoCopy(`docker://${image}:v1`, `oci:${out}:v1`)
    expect(await unpacked(`${image}:v1`)).toBe('content '.repeat(1000))
    const removed = await injectJson(['remove', `${image}:v1`])
    expect(removed).toMatchObject({original: true, digest: original})
  })
})

describe('families', () => {
  const mixed: PutImage = {
    layers: [...base.layers, {...base.layers[0], mediaType: `${docker}.diff.tar.gzip`}],
  }

  it('an image that mixes them is refused by every command that changes one, and nothing is sent', async () => {
    const {image, tree, digestAt, manifest} = await start(mixed)
    const original = await digestAt('v1')
    const commands = [
      ['update', `${image}:v1`, tree],
      ['setup', `${image}:v1`],
    ]
    for (const args of commands) {
      const {exitCode, stderr} = await inject(args)
      expect(exitCode, stderr).toBe(11)
      expect(stderr).toMatch(
        /^inject: the image mixes [^\n]*layer 2 of 2 is [^\n]*--to-oci[^\n]*$/m,
      )
      expect(stderr).not.toContain('pack and push')
    }
    expect(await digestAt('v1')).toBe(original)
    expect(await injectJson(['inspect', `${image}:v1`])).toMatchObject({digest: original})

    await injectJson(['setup', `${image}:v1`, '--to-oci'])
    const types = (await manifest('v1')).layers.map(({mediaType}) => mediaType)
    expect(types).toEqual([`${oci}+gzip`, `${oci}+gzip`, `${oci}+gzip`])
    const back = await injectJson(['remove', `${image}:v1`])
    expect(back).toMatchObject({original: true, digest: original})
  })

  it('remove refuses one that another tool mixed after us; setup --to-oci fixes it', async () => {
    const {image, tree, manifest, store, digestAt} = await start()
    await injectJson(['update', `${image}:v1`, tree])
    const {layers, ...rest} = await manifest('v1')
    const [first, ...others] = layers
    const bytes = Buffer.from(
      JSON.stringify({
        ...rest,
        layers: [{...first, mediaType: `${docker}.diff.tar.gzip`}, ...others],
      }),
    )
    await store.putManifest(bytes, rest.mediaType, {tags: [{tag: 'v1', from: undefined}]})
    const {exitCode, stderr} = await inject(['remove', `${image}:v1`])
    expect([exitCode, stderr]).toEqual([11, expect.stringContaining('layer 1 of 2')])
    const dry = ['setup', `${image}:v1`, '--to-oci', '--dry-run']
    expect(await injectJson(dry)).toMatchObject({changed: true, slot: {action: 'edited'}})
    expect(await digestAt('v1')).toBe(digestOf(bytes))
    const mended = await injectJson(['setup', `${image}:v1`, '--to-oci'])
    expect(mended).toMatchObject({changed: true, slot: {action: 'edited'}, tags: ['v1']})
    expect(await injectJson(['remove', `${image}:v1`])).toMatchObject({original: true})
  })

  it('--to-oci of an image with the same content only converts it', async () => {
    const {image, tree, manifest} = await start({...base, family: 'docker'})
    await injectJson(['update', `${image}:v1`, tree])
    const before = await manifest('v1')
    const flags = ['--to-oci', '-t', 'v2']
    const result = await injectJson(['update', `${image}:v1`, tree, ...flags])
    expect(result).toMatchObject({
      changed: true,
      slot: {action: 'edited'},
      layer: {uploaded: false},
    })
    const after = await manifest('v2')
    expect(after.layers.map(({digest}) => digest)).toEqual(before.layers.map(({digest}) => digest))
    expect(after.config.digest).toBe(before.config.digest)
    const again = await injectJson(['update', `${image}:v2`, tree, '--to-oci'])
    expect(again).toMatchObject({changed: false, tags: [], slot: {action: 'unchanged'}})
  })

  it('--to-oci makes an index of a manifest list, of all its images, whichever are chosen', async () => {
    const {address, image, tree, manifest, digestAt, store} = await start()
    await putIndex(store, {
      family: 'docker',
      platforms: ['linux/amd64', 'linux/arm64', 'linux/386'],
    })
    const original = await digestAt('v1')
    const children = (await manifest('v1')).manifests
    const one = ['-p', 'linux/arm64', '--to-oci', '--compression', 'zstd']
    await injectJson(['update', `${image}:v1`, tree, ...one, '-t', 'v2'])
    const index = await manifest('v2')
    expect(index.mediaType).toBe('application/vnd.oci.image.index.v1+json')
    for (const [position, {digest, mediaType}] of index.manifests.entries()) {
      expect(mediaType).toBe('application/vnd.oci.image.manifest.v1+json')
      const child = await manifest(digest)
      const was = await manifest(children[position]?.digest ?? '')
      expect(child.mediaType).toBe(mediaType)
      expect(child.layers[0]).toEqual({...was.layers[0], mediaType: `${oci}+gzip`})
      expect(child.layers.slice(1).map((layer) => layer.mediaType)).toEqual(
        position === 1 ? [`${oci}+zstd`] : [],
      )
    }
    const all = await injectJson([
      'update',
      `${image}:v1`,
      tree,
      '-p',
      'all',
      '--to-oci',
      '-t',
      'v3',
    ])
    expect(all).toMatchObject({changed: true})
    const partly = await injectJson(['remove', `${image}:v3`, '-p', 'linux/386', '-t', 'v4'])
    expect(partly).toMatchObject({original: false})
    const types = (await manifest('v4')).manifests.map(({mediaType}) => mediaType)
    expect(new Set(types)).toEqual(new Set(['application/vnd.oci.image.manifest.v1+json']))
    const removed = await injectJson(['remove', `${image}:v3`, '-p', 'all'])
    expect(removed).toMatchObject({original: true, digest: original})
    const out = join(await tempDir(), 'out')
    await skopeoCopy(`docker://${address}/team/app:v2`, `oci:${out}:v2`, '--all')
  })
})

it('M33 foreign layers and their urls stay as they are, and are not fetched', async () => {
  const server = await startFakeServer(() => ({status: 500}))
  const foreign = {
    missing: true,
    mediaType: `${docker}.foreign.diff.tar.gzip`,
    urls: [`http://${server.address}/layer`],
  }
  const {image, tree, manifest} = await start({family: 'docker', layers: [foreign, ...base.layers]})
  const [before] = (await manifest('v1')).layers
  await injectJson(['setup', `${image}:v1`])
  const parents = await inject(['update', `${image}:v1`, tree, '--parents', 'base'])
  expect(parents.exitCode, parents.stderr).toBe(0)
  expect(parents.stderr).toMatch(/layer 1 is of the type [^\n]*foreign[^\n]*not looked into/)
  expect((await manifest('v1')).layers[0]).toEqual(before)
  await injectJson(['update', `${image}:v1`, tree, '--to-oci'])
  const type = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'
  expect((await manifest('v1')).layers[0]).toEqual({...before, mediaType: type})
  expect(server.requests).toEqual([])
})

it('M34 encrypted layers stay as they are; a slot in one is refused, another slot is not', async () => {
  const secret = digestOf(Buffer.from('what only the owner of the key knows'))
  const encrypted = {
    blob: Buffer.from('cipher'),
    diffId: secret,
    mediaType: `${oci}+gzip+encrypted`,
  }
  const labels = {cvmfs_injection_tar: secret}
  const {image, tree, manifest, digestAt} = await start({
    labels,
    layers: [encrypted, ...base.layers],
  })
  const original = await digestAt('v1')
  const out = join(await tempDir(), 'out')
  for (const args of [
    ['update', `${image}:v1`, tree],
    ['unpack', `${image}:v1`, out],
  ]) {
    const {exitCode, stderr} = await inject(args)
    expect(exitCode, stderr).toBe(11)
    expect(stderr).toMatch(/^inject: [^\n]*encrypted[^\n]*$/m)
  }
  expect(await digestAt('v1')).toBe(original)
  const [before] = (await manifest('v1')).layers
  await injectJson(['update', `${image}:v1`, tree, '--name', 'other', '--parents', 'base'])
  expect((await manifest('v1')).layers[0]).toEqual(before)
})

it('a layer is read by its content, as container engines do, when its media type is wrong', async () => {
  const {image, tree, manifest, store} = await start()
  await injectJson(['update', `${image}:v1`, tree, '--compression', 'zstd'])
  const {layers, ...rest} = await manifest('v1')
  const named = layers.map((layer) => ({...layer, mediaType: `${oci}+gzip`}))
  const bytes = Buffer.from(JSON.stringify({...rest, layers: named}))
  await store.putManifest(bytes, rest.mediaType, {tags: [{tag: 'v1', from: undefined}]})
  expect(await unpacked(`${image}:v1`)).toBe('content '.repeat(1000))
  expect(await injectJson(['update', `${image}:v1`, tree])).toMatchObject({changed: false})
  const blob = await collect(
    await store.openBlob({...layers[1]!, digest: parseDigest(layers[1]!.digest)}),
  )
  expect(blob.toString('hex', 0, 4)).toBe('28b52ffd')
})
