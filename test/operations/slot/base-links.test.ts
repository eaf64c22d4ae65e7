import {chmodSync, chownSync, linkSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {findSlot} from '../../../src/image/slot.js'
import {createLayerIndexes} from '../../../src/layer/contents/layer-index-file.js'
import {readLayerIndex} from '../../../src/layer/contents/layer-index.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {fetchImage} from '../../../src/operations/find/fetch-image.js'
import {setup} from '../../../src/operations/setup.js'
import {update} from '../../../src/operations/update.js'
import type {Ports} from '../../../src/ports.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {makeEntry, putImage, type PutLayer, smallLayer} from '../../support/put-image.js'
import {archive, directory, member} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../../support/update-options.js'

const link = (path: string, target: string) => makeEntry(path, {kind: 'symlink', target})

/** The root file system of a distribution with /usr merged. */
const merged: PutLayer = {
  entries: [
    makeEntry('etc/'),
    link('lib', 'usr/lib'),
    makeEntry('run/'),
    makeEntry('usr/'),
    makeEntry('usr/lib/', {mode: 0o751}),
    makeEntry('usr/lib/libc.so.6'),
    makeEntry('var/'),
    link('var/run', '/run'),
  ],
}

const reference = parseReference('registry.example/app:v1')

async function start(layers: readonly PutLayer[], files: readonly string[]) {
  const memory = createMemoryStore('registry.example/app')
  await putImage(memory, {layers})
  const tree = await tempDir()
  for (const path of files) {
    mkdirSync(dirname(join(tree, path)), {recursive: true})
    writeFileSync(join(tree, path), path)
  }
  let opened = 0
  const openBlob: typeof memory.openBlob = (blob, call) => {
    opened++
    return memory.openBlob(blob, call)
  }
  const store = {...memory, openBlob}
  const ports = operationPorts(store)
  const run = (more: Partial<UpdateOptions> = {}, morePorts: Partial<Ports> = {}) =>
    update(updateRequest({reference, directory: tree, ...more}), {...ports, ...morePorts})
  return {store: memory, ports, tree, run, requests: () => opened}
}

/** What is in the slot's layer. */
async function pathsOf(store: ReturnType<typeof createMemoryStore>) {
  const {signal} = new AbortController()
  const slot = findSlot((await fetchImage(store, 'v1', signal))!, 'cvmfs')!
  const {mediaType} = slot.descriptor
  const index = await readLayerIndex(
    await store.openBlob(slot.descriptor),
    {mediaType, diffId: slot.diffId, place: {number: 1, digest: slot.diffId}},
    signal,
  )
  return index.map(({path}) => path)
}

describe('W7 a directory in place of a link of the image', () => {
  it.each([
    ['lib/x.so', '/lib', 'usr/lib', '/usr/lib'],
    ['var/run/pid', '/var/run', '/run', '/run'],
  ])('%s is refused, with where to put it', async (file, at, target, path) => {
    const {run, store} = await start([merged, smallLayer('app')], [file])
    const before = await store.statManifest('v1')
    await expect(run()).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
      message: `the image has a symbolic link at '${at}' (to '${target}'), which a directory would replace`,
      hint: `use --path ${path}, or --parents base, which follows it`,
    })
    expect(await store.statManifest('v1')).toEqual(before)
  })

  it('also one in the slot’s own directory, when others are looked into anyway', async () => {
    const {run} = await start([{entries: [link('cvmfs', 'mnt')]}], ['cvmfs/x', 'srv/y'])
    await expect(run()).rejects.toMatchObject({
      message: expect.stringContaining("a symbolic link at '/cvmfs' (to 'mnt')") as string,
    })
  })

  it('nothing below a link of DIR is taken for a directory of it', async () => {
    const layer = {entries: [makeEntry('a/'), link('a/b', 'c'), makeEntry('d/')]}
    const {run, tree, store} = await start([layer], ['x/b/file', 'd/file'])
    symlinkSync('x', join(tree, 'a'))
    await run()
    expect(await pathsOf(store)).toContain('a')
  })

  it('also by setup with such a name', async () => {
    const {store, ports} = await start([merged], [])
    const options = injectionRequest({reference, name: 'lib'})
    await expect(setup(options, ports)).rejects.toMatchObject({code: 'ERR_INJECT_LINK_IN_THE_WAY'})
    await setup(injectionRequest({reference, name: 'srv'}), ports)
    expect(findSlot((await fetchImage(store, 'v1', ports.signal))!, 'srv')).toBeDefined()
  })

  it.each(['base', 'omit'] as const)(
    'with --parents %s it goes where the link leads',
    async (parents) => {
      const files = ['lib/x.so', 'lib/own/y.so', 'var/run/pid', 'srv/z']
      const {run, store, tree} = await start([merged, smallLayer('app')], files)
      linkSync(join(tree, 'lib/x.so'), join(tree, 'srv/same'))
      await run({parents})
      const paths = await pathsOf(store)
      for (const path of [
        'usr/lib/x.so',
        'usr/lib/own',
        'usr/lib/own/y.so',
        'run/pid',
        'srv/z',
        'srv/same',
      ])
        expect(paths).toContain(path)
      expect(paths.filter((path) => /^(?:lib|var\/run)/.test(path))).toEqual([])
    },
  )

  it('through links to links, and links that lead upwards stay inside the root', async () => {
    const chain = {
      entries: [
        link('a', 'b'),
        link('b', '../../c/d'),
        makeEntry('c/'),
        link('c/d', '/usr'),
        makeEntry('usr/'),
      ],
    }
    const {run, store} = await start([chain], ['a/file'])
    await run({parents: 'base'})
    expect(await pathsOf(store)).toContain('usr/file')
  })

  it.each([
    ['in a circle', [link('a', 'b'), link('b', 'a')]],
    ["to the image's root", [link('a', '/')]],
  ])('a link that leads %s is refused with --parents base', async (where, entries) => {
    const {run} = await start([{entries}], ['a/file'])
    await expect(run({parents: 'base'})).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
      message: `the image has symbolic links at '/a' that lead ${where}`,
    })
  })

  it('two files that would be one are refused', async () => {
    for (const files of [['lib/x', 'usr/lib/x']]) {
      const {run} = await start([merged], files)
      await expect(run({parents: 'base'})).rejects.toThrow('through its symbolic links')
    }
  })

  it('a link that a later layer took away, or made a directory, does not count', async () => {
    for (const later of [[makeEntry('.wh.lib')], [makeEntry('lib/')]]) {
      const {run, store} = await start([merged, {entries: later}], ['lib/x.so'])
      await run()
      expect(await pathsOf(store)).toContain('lib/x.so')
    }
  })

  it('a usual link is looked for in all layers, and others in the lowest three', async () => {
    const many = Array.from({length: 10}, (_, at) => smallLayer(`l${at}`))
    const early = await start([...many, merged, ...many.slice(0, 5)], ['lib/x.so'])
    await expect(early.run()).rejects.toMatchObject({code: 'ERR_INJECT_LINK_IN_THE_WAY'})
    const other = await start([...many, {entries: [link('data', 'srv')]}], ['data/x'])
    await other.run()
    expect(other.requests()).toBe(1 + 3)
  })
})

describe('W7 what the check costs', () => {
  const many = [merged, ...Array.from({length: 39}, (_, at) => smallLayer(`l${at}`))]

  it('nothing for what is in the slot’s own directory, or below its path', async () => {
    const own = await start(many, ['cvmfs/file'])
    await own.run()
    expect(own.requests()).toBe(1)
    const path = await start(many, ['lib/x'])
    await path.run({path: '/opt/models'})
    expect(path.requests()).toBe(1)
  })

  it('three requests on the first run and none on later ones, where it is remembered', async () => {
    const layerIndexes = createLayerIndexes(join(await tempDir(), 'layers'))
    const files = ['etc/app/conf', 'srv/x']
    const first = await start(many, files)
    await first.run({}, {layerIndexes})
    expect(first.requests()).toBe(1 + 3)
    const second = await start(many, files)
    await second.run({}, {layerIndexes})
    expect(second.requests()).toBe(1)
    expect(second.ports.said).toEqual(first.ports.said)
  })

  it('--parents base needs every layer on the first run and none on later ones', async () => {
    const layerIndexes = createLayerIndexes(join(await tempDir(), 'layers'))
    const first = await start(many, ['srv/x'])
    await first.run({parents: 'base'}, {layerIndexes})
    expect(first.requests()).toBe(1 + 40)
    const second = await start(many, ['srv/x'])
    await second.run({parents: 'base'}, {layerIndexes})
    expect(second.requests()).toBe(1)
  })

  it('what is remembered is what was read, attributes among it', async () => {
    const indexes = createLayerIndexes(join(await tempDir(), 'layers'))
    const {store} = await start([merged], [])
    const image = (await fetchImage(store, 'v1', new AbortController().signal))!
    const [descriptor] = image.manifest.value.layers
    const [diffId] = image.config.value.rootfs.diff_ids
    const blob = await store.openBlob(descriptor!)
    const index = await readLayerIndex(
      blob,
      {...descriptor!, diffId: diffId!, place: {number: 1, digest: descriptor!.digest}},
      new AbortController().signal,
    )
    const xattrs = new Map([['user.x', Buffer.from([0, 255])]])
    const withXattrs = [
      ...index,
      {...index[0]!, kind: 'directory', path: 'é\u00ff', xattrs} as never,
    ]
    await indexes.put(diffId!, withXattrs)
    expect(await indexes.get(diffId!)).toEqual(withXattrs)
  })
})

describe('directories that the image has', () => {
  it('never change owner or mode without a word', async () => {
    const {run, ports, tree} = await start([merged], ['etc/app/conf', 'usr/lib/x'])
    chmodSync(join(tree, 'etc'), 0o700)
    if (process.getuid?.() === 0) chownSync(join(tree, 'etc'), 65534, 65534)
    await run()
    expect(ports.said.join()).toMatch(
      /directories that the image has change owner or mode: '\/etc \(0755 0:0 becomes 0700 (?:65534:65534|\d+:\d+)\)', '\/usr\/lib \(0751 0:0 becomes 0755 .*; --parents base keeps them/,
    )
  })
})

describe('W8 odd layers of the image with --parents base', () => {
  it('a directory with a size and bytes after the end are read; what is corrupt is named and left out', async () => {
    const odd = archive(member({name: 'srv/', type: '5', mode: 0o711, size: 4096}))
    const plain = 'application/vnd.oci.image.layer.v1.tar'
    const broken = Buffer.concat([directory('ok/'), Buffer.alloc(512, 'x')])
    const {run, ports, store} = await start(
      [
        {blob: Buffer.concat([odd, Buffer.from('rubbish')]), mediaType: plain},
        {blob: broken, mediaType: plain},
      ],
      ['srv/x'],
    )
    await run({parents: 'base'})
    expect(ports.said.join()).toMatch(
      /layer 2 \(sha256:[0-9a-f]{64}\) is corrupt: .*, after the entry 'ok\/': it cannot be looked into/,
    )
    expect(await pathsOf(store)).toEqual(['srv', 'srv/x'])
  })
})
