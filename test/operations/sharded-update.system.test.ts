import {execa} from 'execa'
import {
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject} from '../../src/image/inject.js'
import {noteOf, withNote} from '../../src/image/follow/run-note.js'
import {findSlot} from '../../src/image/slot.js'
import {countShards} from '../../src/layer/shards/shard-plan.js'
import {walk} from '../../src/layer/tree/walk.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {fetchImage} from '../../src/operations/find/fetch-image.js'
import {inspect, type InspectResult} from '../../src/operations/inspect.js'
import type {IndexInjectionResult} from '../../src/operations/injection/describe-index.js'
import type {InjectionResult} from '../../src/operations/injection/describe-image.js'
import {remove} from '../../src/operations/remove.js'
import {planSharding} from '../../src/operations/slot/sharding.js'
import {setup} from '../../src/operations/setup.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {createTargetStore} from '../../src/store/copy/target-store.js'
import {listTree, skopeoCopy, unpackRoot} from '../support/busybox-image.js'
import {startDockerRegistry} from '../support/docker-registry.js'
import {makeImage, makeLayer} from '../support/images.js'
import {putIndex} from '../support/layout-index.js'
import {openRegistry} from '../support/open-registry.js'
import {operationPorts} from '../support/operation-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'
import {treeSnapshot} from '../support/tree-snapshot.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../support/update-options.js'

const base = {layers: [{entries: [makeEntry('etc/'), makeEntry('etc/base')]}]}

/**
 * 40 directories of 6 files, hard links of a store far off, symlinks, an empty directory, odd modes
 * and times.
 */
async function makeTree(): Promise<string> {
  const root = join(await tempDir(), 'tree')
  mkdirSync(join(root, 'cvmfs/.data'), {recursive: true})
  for (let i = 0; i < 240; i++) {
    const folder = join(root, 'cvmfs', `part${i % 5}`, `group${i % 40}`)
    mkdirSync(folder, {recursive: true, mode: i % 3 ? 0o755 : 0o750})
    const path = join(folder, `f${i}`)
    writeFileSync(path, Buffer.alloc(800 + 11 * i, `${i} text `), {mode: i % 7 ? 0o644 : 0o4755})
    lutimesSync(path, 1_600_000_000 + i, 1_600_000_000 + i)
    if (i % 10 === 0) linkSync(path, join(root, 'cvmfs/.data', `h${(i * 7919) % 977}`))
    if (i % 60 === 0) symlinkSync('../nowhere', join(folder, `link${i}`))
  }
  mkdirSync(join(root, 'empty'), {mode: 0o1777})
  for (const folder of ['cvmfs/part1', 'cvmfs/.data', 'cvmfs', 'empty'])
    lutimesSync(join(root, folder), 1_500_000_000, 1_500_000_000)
  return root
}

async function start(store: ContentStore = createMemoryStore('repository')) {
  await putImage(store, base)
  const tree = await makeTree()
  const ports = operationPorts(store)
  const reference = parseReference('registry.example/team/app:v1')
  const options: UpdateOptions = {
    reference,
    directory: tree,
  }
  const put = async (more: Partial<typeof options> = {}) =>
    (await update(updateRequest({...options, ...more}), ports)) as InjectionResult
  const image = async (tag = 'v1') => {
    const found = await fetchImage(store, tag, ports.signal)
    if (!found) throw new Error(`no image ${tag}`)
    return found
  }
  const unpacked = async (tag = 'v1') => {
    const directory = join(await tempDir(), 'out')
    const from = parseReference(`registry.example/team/app:${tag}`)
    const how = {name: 'cvmfs', force: false, devices: false, strict: true}
    return {...(await unpack({reference: from, directory, ...how}, ports))}
  }
  const slotOf = async (tag?: string) => findSlot(await image(tag), 'cvmfs')
  return {store, tree, ports, reference, options, put, image, unpacked, slotOf}
}

describe('update --layers', () => {
  it('a first update, the same again, and what is unpacked from it', async () => {
    const {tree, put, unpacked, slotOf, ports} = await start()
    const first = await put({layers: 12})
    const slot = await slotOf()
    const count = slot?.layers.length ?? 0
    expect(count).toBeGreaterThan(6)
    expect(count).toBeLessThanOrEqual(12)
    expect(first).toMatchObject({
      changed: true,
      slot: {action: 'added'},
      layer: {diffId: undefined, digest: undefined, uploaded: true},
      layers: {count, new: count, bytes: first.layer.size},
    })
    expect(await put({layers: 12})).toMatchObject({
      changed: false,
      tags: [],
      digest: first.digest,
      layers: {count, new: 0, bytes: 0},
    })
    const {directory, layers, diffId, entries} = await unpacked()
    expect({layers, diffId, entries}).toEqual({
      layers: count,
      diffId: null,
      entries: first.layer.entries,
    })
    expect(treeSnapshot(directory).slice(1)).toEqual(treeSnapshot(tree).slice(1))
    expect(await put({layers: 12, directory})).toMatchObject({changed: false})
    expect(ports.said).toEqual([])
  })

  it('a layer that the store has lost or spoilt is written again, though nothing changed', async () => {
    const layout = join(await tempDir(), 'layout')
    const {put, slotOf} = await start(await openLayoutStore(layout, {create: true}))
    await put({layers: 12})
    const [one, two] = (await slotOf())?.layers ?? []
    if (!one || !two) throw new Error('no layers')
    const fileOf = ({descriptor}: typeof one) =>
      join(layout, 'blobs/sha256', descriptor.digest.slice('sha256:'.length))
    const before = [readFileSync(fileOf(one)), readFileSync(fileOf(two))]
    rmSync(fileOf(one))
    truncateSync(fileOf(two), 10)
    expect(await put({layers: 12})).toMatchObject({layers: {new: 2}})
    expect([readFileSync(fileOf(one)), readFileSync(fileOf(two))]).toEqual(before)
  })

  it('what cannot be divided is one layer: very long paths, and directories that are whiteouts', async () => {
    const {tree, put, slotOf} = await start()
    mkdirSync(join(tree, '.wh.gone'))
    await put({layers: 12, whiteouts: true})
    expect((await slotOf())?.layers).toHaveLength(1)
    rmSync(join(tree, '.wh.gone'), {recursive: true})
    await put({layers: 12})
    expect((await slotOf())?.layers.length).toBeGreaterThan(1)
    const names = Array.from({length: 13}, () => 'n'.repeat(200))
    await execa(
      'sh',
      ['-c', 'for n; do mkdir "$n"; cd "$n"; done; echo deep > file', 'sh', ...names],
      {
        cwd: tree,
      },
    )
    expect(await put({layers: 12})).toMatchObject({changed: true})
    expect((await slotOf())?.layers).toHaveLength(1)
  })

  it('sends what changed and nothing else, where the slot is', async () => {
    const {tree, put, image, slotOf, unpacked} = await start()
    const first = await put({layers: 20})
    const before = await image()
    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'changed')
    const second = await put()
    expect(second).toMatchObject({changed: true, layers: {count: first.layers.count, new: 1}})
    expect(second.layers.bytes).toBeLessThan((first.layers.bytes ?? 0) / 4)
    const after = await image()
    const kept = after.manifest.value.layers.filter(({digest}) =>
      before.manifest.value.layers.some((each) => each.digest === digest),
    )
    expect(kept).toHaveLength(after.manifest.value.layers.length - 1)
    expect((await slotOf())?.layers.map(({layer}) => layer)).toEqual(
      Array.from({length: first.layers.count}, (_, position) => position + 1),
    )
    expect(after.config.value.history).toHaveLength(1 + first.layers.count)
    const {directory} = await unpacked()
    expect(treeSnapshot(directory).slice(1)).toEqual(treeSnapshot(tree).slice(1))
  })

  it('the image is the same whether it was updated or made from scratch, but for what it replaced', async () => {
    const {tree, put, image} = await start()
    await put({layers: 10, tags: ['one']})
    rmSync(join(tree, 'cvmfs/part2/group7'), {recursive: true})
    mkdirSync(join(tree, 'cvmfs/part2/group70'))
    writeFileSync(join(tree, 'cvmfs/part2/group70/new'), 'x'.repeat(5000))
    const fresh = await put({layers: 10, tags: ['two']})
    const updated = await put({reference: parseReference('registry.example/team/app:one')})
    expect(withNote(await image('one'), undefined).manifest.descriptor.digest).toBe(fresh.digest)
    expect(updated.layers.new).toBe(0)
  })

  it('what the tag has already is not sent again to it', async () => {
    const {tree, put} = await start()
    const first = await put({layers: 10, tags: ['nightly']})
    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'changed')
    const next = await put({layers: 10, tags: ['nightly']})
    expect(next.layers).toMatchObject({count: first.layers.count, new: 1})
    expect(await put({layers: 10, tags: ['nightly'], noClobber: true})).toMatchObject({tags: []})
    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'again')
    await expect(put({layers: 10, tags: ['nightly'], noClobber: true})).rejects.toMatchObject({
      code: 'ERR_INJECT_TAG_EXISTS',
    })
  })

  it('1 -> 8 -> auto -> 1, in place; without --layers it stays as it is, and says so', async () => {
    const {put, slotOf, image, unpacked, tree, ports} = await start()
    const one = await put({tags: ['one']})
    await put()
    const original = (await image('one')).manifest.descriptor.digest
    expect((await put({layers: 8})).slot.action).toBe('replaced')
    expect(await slotOf()).toMatchObject({sharding: 8})
    const quiet = ports.said.length
    expect(await put()).toMatchObject({changed: false})
    expect(ports.said.slice(quiet)).toEqual([expect.stringContaining('--layers 8')])
    const auto = await put({layers: 'auto'})
    expect(auto.layers).toEqual({count: 1, new: 0, bytes: 0})
    expect(await slotOf()).toMatchObject({sharding: 'auto', diffId: one.layer.diffId})
    const labels = (await image()).config.value.config?.Labels
    expect(Object.keys(labels ?? {}).sort()).toEqual([
      'cvmfs_injection_gz',
      'cvmfs_injection_sharding',
      'cvmfs_injection_tar',
    ])
    expect(await put({layers: 1})).toMatchObject({changed: true})
    const last = await image()
    expect(noteOf(last)?.replaced).toBe(auto.digest)
    expect(withNote(last, undefined).manifest.descriptor.digest).toBe(original)
    expect(await slotOf()).toMatchObject({sharding: 1})
    const {directory} = await unpacked()
    expect(treeSnapshot(directory).slice(1)).toEqual(treeSnapshot(tree).slice(1))
  })

  it('remove gives the original image back, setup leaves it, inspect shows all layers', async () => {
    const {put, image, reference, ports} = await start()
    const before = (await image()).manifest.descriptor.digest
    const {layers} = await put({layers: 9})
    const kept = await setup(injectionRequest({reference}), ports)
    expect(kept).toMatchObject({changed: false, layers: {count: layers.count, new: 0}})
    const shown = (await inspect({reference}, ports)) as InspectResult
    expect(shown.layers.map(({slot}) => slot)).toEqual([
      undefined,
      ...Array<string>(layers.count).fill('cvmfs'),
    ])
    expect(shown.slots).toMatchObject([{name: 'cvmfs', layer: 1, sharding: 9}])
    expect(shown.slots[0]?.layers).toHaveLength(layers.count)
    const removed = await remove(injectionRequest({reference}), ports)
    expect(removed).toMatchObject({digest: before, original: true})
  })

  it('--dry-run says how many layers would be sent, and does nothing', async () => {
    const {tree, put, image} = await start()
    const planned = await put({layers: 10, dryRun: true})
    const first = await put({layers: 10})
    expect(planned).toMatchObject({
      digest: null,
      layers: {count: first.layers.count, new: first.layers.count, bytes: undefined},
      layer: {entries: first.layer.entries, unpackedSize: first.layer.unpackedSize},
    })
    const {digest} = (await image()).manifest.descriptor
    expect(await put({dryRun: true})).toMatchObject({changed: false, digest})
    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'changed')
    expect(await put({dryRun: true})).toMatchObject({layers: {new: 1}, tags: ['v1']})
    expect((await image()).manifest.descriptor.digest).toBe(digest)
  })

  it('--parents, --path and --whiteouts work on every layer', async () => {
    const {tree, put, unpacked} = await start()
    mkdirSync(join(tree, 'etc'), {mode: 0o700})
    writeFileSync(join(tree, 'etc/.wh.base'), '')
    writeFileSync(join(tree, 'etc/-first'), 'sorts before it')
    for (const parents of ['dir', 'base', 'omit'] as const) {
      const more = {parents, whiteouts: true, path: '/opt/x', tags: [parents]}
      await put({...more, layers: 1})
      const one = await unpacked(parents)
      await put({
        ...more,
        layers: 10,
        reference: parseReference(`registry.example/team/app:${parents}`),
      })
      const several = await unpacked(parents)
      expect(several.layers).toBeGreaterThan(3)
      expect(several.whiteouts).toBe(1)
      expect(treeSnapshot(several.directory)).toEqual(treeSnapshot(one.directory))
    }
  })

  it('an image that has little room gets fewer layers, and is refused more than it can have', async () => {
    const {store, put, slotOf, tree} = await start()
    const layers = Array.from({length: 120}, (_, n) => ({entries: [makeEntry(`base${n}`)]}))
    await putImage(store, {layers})
    await expect(put({layers: 8})).rejects.toMatchObject({code: 'ERR_INJECT_TOO_MANY_LAYERS'})
    expect((await put({layers: 7})).layers.count).toBeLessThanOrEqual(7)
    expect((await slotOf())?.layers[0]?.layer).toBe(120)

    // a choice of long ago, in an image that has grown since
    const layer = makeLayer('content')
    const created = '2024-01-01T00:00:00Z'
    const chosen = {name: 'cvmfs', layers: [layer], sharding: 20, created, path: '/'}
    const image = inject(makeImage({layers: 120}), chosen)
    const said: string[] = []
    const plan = await planSharding(
      () => walk(tree, {path: '/'}),
      [{image, slot: findSlot(image, 'cvmfs')}],
      undefined,
      {warn: (message) => said.push(message)},
    )
    expect(plan && countShards(plan)).toBeLessThanOrEqual(7)
    expect(said).toEqual([expect.stringContaining('120 other layers')])
  })

  it('a shard that the registry has lost is packed again', async () => {
    const {store, tree, put, slotOf, unpacked} = await start()
    await put({layers: 8})
    const lost = (await slotOf())?.layers[2]?.descriptor.digest
    let isLost = true
    const fragile: ContentStore = {
      ...store,
      statBlob: async (digest, call) =>
        isLost && digest === lost ? undefined : store.statBlob(digest, call),
      async putBlob(source, call) {
        const blob = await store.putBlob(source, call)
        if (blob.digest === lost) isLost = false
        return blob
      },
      async putManifest(bytes, type, call) {
        if (!isLost || !Buffer.from(bytes).includes(lost ?? ''))
          return store.putManifest(bytes, type, call)
        const {NotFoundError} = await import('../../src/errors.js')
        throw new NotFoundError('ERR_INJECT_MANIFEST_BLOB_UNKNOWN', 'a blob is unknown')
      },
    }
    writeFileSync(join(tree, 'cvmfs/part4/group39/f239'), 'changed')
    const {options} = await start(createMemoryStore())
    await update(updateRequest({...options, directory: tree}), operationPorts(fragile))
    expect(isLost).toBe(false)
    expect(treeSnapshot((await unpacked()).directory).slice(1)).toEqual(treeSnapshot(tree).slice(1))
  })

  it('asks a registry for the layers that it has only when nothing else would tell', async () => {
    const {store, tree, put, slotOf, options} = await start()
    await put({layers: 8})
    const asked: string[] = []
    const counting: ContentStore = {
      ...store,
      statBlob(digest, call) {
        asked.push(digest)
        return store.statBlob(digest, call)
      },
    }
    const sharded = updateRequest({...options, directory: tree, layers: 8})
    await update(sharded, operationPorts(counting))
    const digests = (await slotOf())?.layers.map(({descriptor}) => descriptor.digest) ?? []
    expect(new Set(asked)).toEqual(new Set(digests))
    asked.length = 0
    writeFileSync(join(tree, 'cvmfs/part4/group39/f239'), 'changed')
    expect(await update(sharded, operationPorts(counting))).toMatchObject({changed: true})
    expect(asked).toEqual([])
  })

  it('a shard that is lost where the image is, and changes nothing, is packed again for elsewhere', async () => {
    const {store, tree, put, slotOf, options} = await start()
    await put({layers: 8})
    const lost = (await slotOf())?.layers[2]?.descriptor.digest
    const source: ContentStore = {
      ...store,
      statBlob: async (digest, call) =>
        digest === lost ? undefined : store.statBlob(digest, call),
      openBlob: async (blob, call) => {
        if (blob.digest !== lost) return store.openBlob(blob, call)
        const {NotFoundError} = await import('../../src/errors.js')
        throw new NotFoundError('ERR_INJECT_BLOB_NOT_FOUND', 'a blob is not there')
      },
    }
    const target = createMemoryStore('target')
    const both = createTargetStore(source, target, {mountFrom: []})
    writeFileSync(join(tree, 'cvmfs/part4/group39/f239'), 'changed')
    const from = (await store.statManifest('v1')) ?? ''
    const reference = parseReference(`registry.example/team/app@${from}`)
    const more = {directory: tree, reference, tags: ['v2'], layers: 8} as const
    const wanted = updateRequest({...options, ...more})
    expect(await update(wanted, operationPorts(both))).toMatchObject({changed: true})
    const stored = await target.getManifest('v2')
    expect(Buffer.from(stored?.bytes ?? []).includes(lost ?? 'none')).toBe(true)
    expect(lost && (await target.statBlob(lost))).toBeDefined()
  })

  it('all images of an index get the same layers, each of them sent once', async () => {
    const store = createMemoryStore('repository')
    const {tree, options, ports} = await start(store)
    await putIndex(store, {
      family: 'oci',
      platforms: ['linux/amd64', 'linux/arm64/v8'],
      attestations: true,
    })
    let sent = 0
    const counted: ContentStore = {
      ...store,
      async putBlob(source, call) {
        if (!call?.expected) sent++
        return store.putBlob(source, call)
      },
    }
    const run = async (more: Partial<typeof options> = {}) =>
      (await update(
        updateRequest({...options, platforms: 'all', ...more}),
        operationPorts(counted),
      )) as IndexInjectionResult
    const first = await run({layers: 10})
    const count = first.images[0]?.layers.count ?? 0
    expect(count).toBeGreaterThan(4)
    expect(sent).toBe(count)
    expect(first.images.map(({layers}) => layers)).toEqual([
      {count, new: count, bytes: first.images[0]?.layers.bytes},
      {count, new: count, bytes: first.images[0]?.layers.bytes},
    ])
    expect(await run()).toMatchObject({changed: false, tags: []})
    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'changed')
    expect((await run({dryRun: true})).images.map(({layers}) => layers.new)).toEqual([1, 1])
    expect((await run()).images.map(({layers}) => layers.new)).toEqual([1, 1])
    expect(sent).toBe(count + 1)
    const [one] = (await run({layers: 1})).images
    expect(one?.layers).toMatchObject({count: 1, new: 1})
    expect(ports.said).toEqual([])
  })
})

describeWith(['docker-registry', 'skopeo', 'umoci'], 'in a registry, for others', () => {
  it('umoci makes of all layers what it makes of one; a recompressed copy keeps them found', async () => {
    const {address} = await startDockerRegistry()
    const {store} = openRegistry(address)
    const {tree, put, options} = await start(store)
    mkdirSync(join(tree, 'etc'))
    writeFileSync(join(tree, 'etc/.wh.base'), '')
    await put({whiteouts: true, layers: 1, tags: ['one']})
    const first = await put({whiteouts: true, layers: 12, tags: ['many']})
    const root = async (tag: string) =>
      listTree(await unpackRoot(`${address}/team/app:${tag}`, await tempDir()))
    expect(await root('many')).toEqual(await root('one'))

    writeFileSync(join(tree, 'cvmfs/part3/group8/f8'), 'changed')
    const many = parseReference(`${address}/team/app:many`)
    const next = await put({whiteouts: true, reference: many})
    expect(next.layers).toMatchObject({count: first.layers.count, new: 1})

    const plain = join(await tempDir(), 'plain')
    const at = `${address}/team/app`
    await skopeoCopy(`docker://${at}:many`, `dir:${plain}`, '--dest-decompress')
    // to another registry: skopeo remembers which blobs are the same, and takes what is there
    const other = await startDockerRegistry()
    const copy = `${other.address}/team/app:zstd`
    await skopeoCopy(`dir:${plain}`, `docker://${copy}`, '--dest-compress-format', 'zstd')
    const second = openRegistry(other.address).store
    const before = await fetchImage(store, 'many', new AbortController().signal)
    const after = await fetchImage(second, 'zstd', new AbortController().signal)
    const known = before?.manifest.value.layers.map(({digest}) => digest)
    expect(after?.manifest.value.layers.filter(({digest}) => known?.includes(digest))).toEqual([])
    const again = await update(
      updateRequest({...options, whiteouts: true, reference: parseReference(copy)}),
      operationPorts(second),
    )
    expect(again).toMatchObject({changed: false, layers: {count: first.layers.count, new: 0}})
    writeFileSync(join(tree, 'cvmfs/part2/group7/f7'), 'changed')
    const changed = await update(
      updateRequest({...options, whiteouts: true, reference: parseReference(copy)}),
      operationPorts(second),
    )
    expect(changed).toMatchObject({layers: {count: first.layers.count, new: 1}})
    const directory = join(await tempDir(), 'out')
    const how = {name: 'cvmfs', force: false, devices: false, strict: true}
    await unpack({reference: parseReference(copy), directory, ...how}, operationPorts(second))
    expect(treeSnapshot(directory).slice(1)).toEqual(treeSnapshot(tree).slice(1))
  })
})
