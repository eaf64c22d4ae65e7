import fc from 'fast-check'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {compare, told} from '../../support/compare-images.js'
import {differencesOf, layersOf, layerSteps, putLayerOf} from '../../support/layer-model.js'
import {makeEntry, putImage, type PutLayer} from '../../support/put-image.js'
import {archive, directory, file, hardlink, pax, symlink} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {readLimits} from '../../../src/layer/records/read-layer.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'

const layer = (...members: readonly Buffer[]): PutLayer => {
  const blob = archive(...members)
  return {blob, mediaType: ociLayer, diffId: digestOf(blob)}
}

/** The same store, with the digests of blobs that were opened. */
function watched(store: ContentStore): ContentStore & {readonly opened: string[]} {
  const opened: string[] = []
  return {
    ...store,
    opened,
    openBlob(blob, options) {
      opened.push(blob.digest)
      return store.openBlob(blob, options)
    },
  }
}

describe('what differs between two images', () => {
  it('is what differs between the trees that their layers come to', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, layerSteps, layerSteps, async (base, first, second) => {
        const store = createMemoryStore('store.example/app')
        const shared = layersOf(base)
        const [one, other] = [first, second].map((steps) =>
          layersOf(steps, shared.tree, base.length),
        )
        if (!one || !other) throw new Error('two images')
        for (const [tag, {layers}] of Object.entries({one, other})) {
          const all = [...shared.layers, ...layers].map(putLayerOf)
          await putImage(store, {layers: all, tag})
        }
        const found = await compare(store, ['one', 'other'], {exact: true})
        expect(told(found)).toEqual(differencesOf(one.tree, other.tree))
      }),
    )
  })

  it('without reading what both have, is right wherever it is sure', async () => {
    await fc.assert(
      fc.asyncProperty(layerSteps, layerSteps, layerSteps, async (base, first, second) => {
        const store = watched(createMemoryStore('store.example/app'))
        const shared = layersOf(base)
        const [one, other] = [first, second].map((steps) =>
          layersOf(steps, shared.tree, base.length),
        )
        if (!one || !other) throw new Error('two images')
        const bases = shared.layers.map(putLayerOf)
        for (const [tag, {layers}] of Object.entries({one, other}))
          await putImage(store, {layers: [...bases, ...layers.map(putLayerOf)], tag})
        const {images} = await compare(store, ['one', 'other'])
        const expected = new Map(
          differencesOf(one.tree, other.tree).map((text) => {
            const [change = '', path = '', aspects = ''] = text.split(' ')
            return [path, {change, aspects: aspects.split(',')}]
          }),
        )
        // links may be of files in layers that were not read
        const isKnown = (aspect: string) => aspect !== 'links' && aspect !== 'opaque'
        for (const {change, path, aspects, unsure} of images.flatMap((image) => image.changes)) {
          const known = aspects.filter(isKnown)
          if (unsure || (known.length === 0 && change === 'changed')) continue
          expect({path, change: expected.get(path)?.change}).toEqual({path, change})
          if (known.length > 0)
            expect(expected.get(path)?.aspects).toEqual(expect.arrayContaining(known))
        }
        for (const {diffId} of bases)
          if (!isIn(diffId, [...one.layers, ...other.layers].map(putLayerOf)))
            expect(store.opened).not.toContain(diffId)
      }),
    )
  })

  it('is told apart', async () => {
    const store = createMemoryStore('store.example/app')
    const [one, other] = [
      layer(
        directory('d/', {mode: 0o755}),
        file('d/content', 'x'),
        file('d/gone', 'gone'),
        file('d/mode', '', {mode: 0o644}),
        file('d/owner', '', {uid: 1}),
        file('d/time', '', {mtime: 1}),
        symlink('d/link', 'content'),
        file('d/type', 'x'),
      ),
      layer(
        directory('d/', {mode: 0o755}),
        file('d/content', 'y'),
        file('d/mode', '', {mode: 0o600}),
        file('d/new', 'new'),
        file('d/owner', '', {uid: 2}),
        file('d/time', '', {mtime: 2}),
        symlink('d/link', 'owner'),
        directory('d/type/', {mode: 0o644}),
      ),
    ]
    await putImage(store, {layers: [one], tag: 'one'})
    await putImage(store, {layers: [other], tag: 'other'})
    const found = await compare(store, ['one', 'other'])
    expect(told(found)).toEqual([
      'changed d/content content',
      'removed d/gone',
      'changed d/link target',
      'changed d/mode mode',
      'added d/new',
      'changed d/owner owner',
      'changed d/time time',
      'changed d/type type',
    ])
    const [image] = found.images
    expect(image?.files).toMatchObject({
      added: {paths: 1, bytes: 3},
      removed: {paths: 1, bytes: 4},
      changed: {paths: 6, bytes: 1, aspects: {content: 1, mode: 1}},
    })
    const ignored = new Set(['time', 'owner', 'type'] as const)
    expect(told(await compare(store, ['one', 'other'], {ignored}))).toHaveLength(5)
    const isWanted = (path: string) => path.startsWith('d/n')
    expect(told(await compare(store, ['one', 'other'], {isWanted}))).toEqual(['added d/new'])
  })

  it('counts hard links by the file that they are', async () => {
    const store = createMemoryStore('store.example/app')
    await putImage(store, {
      layers: [layer(file('a', 'same'), hardlink('b', 'a'), hardlink('c', 'b'))],
      tag: 'linked',
    })
    await putImage(store, {
      layers: [layer(file('a', 'same'), file('b', 'same'), hardlink('c', 'a'))],
      tag: 'apart',
    })
    await putImage(store, {layers: [layer(file('a', 'other'), hardlink('b', 'a'))], tag: 'changed'})
    const mode = new Set<never>()
    expect(told(await compare(store, ['linked', 'apart'], {ignored: mode}))).toEqual([
      'changed b links',
    ])
    const changed = await compare(store, ['linked', 'changed'])
    expect(told(changed)).toEqual(['changed a content', 'changed b content', 'removed c'])
    // the content of one file is counted once
    expect(changed.images[0]?.files.changed.bytes).toBe(5)
  })

  it('is said to be unsure where a layer that was not read may have it, and that is read on demand', async () => {
    const store = createMemoryStore('store.example/app')
    const base = layer(file('kept', 'base'), file('x', 'base'))
    await putImage(store, {layers: [base, layer(file('x', 'mine'))], tag: 'one'})
    await putImage(store, {layers: [base, layer(file('y', 'yours'))], tag: 'other'})
    const quick = await compare(store, ['one', 'other'])
    expect(told(quick)).toEqual(['removed x', 'added y'])
    expect(quick.said.join()).toContain('2 of the added and removed paths may also be in layers')
    const exact = await compare(store, ['one', 'other'], {exact: true})
    expect(told(exact)).toEqual(['changed x content', 'added y'])
    expect(exact.said.join()).not.toContain('--exact')
  })

  it('is nothing for two names of one image, without reading a layer', async () => {
    const store = watched(createMemoryStore('store.example/app'))
    const {digest} = await putImage(store, {layers: [layer(file('a'))], tag: 'one'})
    await putImage(store, {layers: [layer(file('a'))], tag: 'other'})
    const found = await compare(store, ['one', 'other'])
    expect(found).toMatchObject({differs: false, images: [{status: 'same', pull: {bytes: 0}}]})
    expect(found.images[0]?.first).toBe(digest)
    expect(found.images[0]?.layersRead).toBe(0)
  })

  it('includes config, labels and history, member by member', async () => {
    const store = createMemoryStore('store.example/app')
    const layers = [layer(file('a'))]
    await putImage(store, {layers, tag: 'one', config: {config: {Env: ['A=1', 'B=2'], Cmd: ['x']}}})
    await putImage(store, {
      layers,
      tag: 'other',
      config: {config: {Env: ['A=1', 'B=3'], Labels: {l: 'v'}}, history: [{created_by: 'new'}]},
    })
    const {images} = await compare(store, ['one', 'other'])
    expect(images[0]?.config).toEqual([
      {member: 'config.Env.B', before: '2', after: '3'},
      {member: 'config.Cmd', before: ['x'], after: undefined},
      {member: 'config.Labels.l', before: undefined, after: 'v'},
      {member: 'history', before: [{created_by: 'step 0'}], after: [{created_by: 'new'}]},
    ])
  })
})

describe('what differs between a slot and a directory', () => {
  it('is what an update would change', async () => {
    const store = createMemoryStore('store.example/app')
    const tree = join(await tempDir(), 'tree')
    mkdirSync(join(tree, 'sub'), {recursive: true})
    writeFileSync(join(tree, 'sub/file'), 'content')
    writeFileSync(join(tree, 'new'), 'new')
    const {uid = 0, gid = 0} = {uid: process.getuid?.(), gid: process.getgid?.()}
    const owner = {uid, gid}
    const slot = layer(
      directory('opt/'),
      directory('opt/models/'),
      directory('opt/models/sub/', owner),
      file('opt/models/sub/file', 'content', owner),
      file('opt/models/old', 'old', owner),
    )
    const labels = {
      models_injection_tar: slot.diffId as string,
      models_injection_path: '/opt/models',
    }
    await putImage(store, {layers: [layer(file('base')), slot], labels})
    const ignored = new Set(['time', 'mode'] as const)
    const found = await compare(store, ['v1', tree], {ignored})
    expect(told(found)).toEqual(['added new', 'removed old'])
    expect(found.first.slot).toBe('models')
    expect(told(await compare(store, [tree, 'v1#models'], {ignored}))).toEqual([
      'removed new',
      'added old',
    ])
  })

  it('is everything for an image without the slot, and an error where neither has it', async () => {
    const store = createMemoryStore('store.example/app')
    const tree = join(await tempDir(), 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'new'), 'new')
    await putImage(store, {layers: [{entries: [makeEntry('base')]}]})
    const found = await compare(store, ['v1', tree])
    expect(told(found)).toEqual(['added new'])
    expect(found.said.join()).toContain('has no slot cvmfs: compared as an empty slot')
    await expect(compare(store, ['v1#models', 'v1#models'])).rejects.toMatchObject({
      code: 'ERR_INJECT_NO_SLOT',
    })
  })
})

function isIn(diffId: string | undefined, layers: readonly PutLayer[]): boolean {
  return layers.some((each) => each.diffId === diffId)
}

describe('hostile layers', () => {
  const compared = async (hostile: PutLayer, options = {}) => {
    const store = createMemoryStore('store.example/app')
    await putImage(store, {layers: [layer(file('a'))], tag: 'one'})
    await putImage(store, {layers: [hostile], tag: 'other'})
    return compare(store, ['one', 'other'], options)
  }
  const chain = Array.from({length: 20}, (_, at) => hardlink(`l${at + 1}`, `l${at}`))

  it.each<[string, PutLayer, object, string]>([
    [
      'an archive that is cut off',
      {blob: file('a', 'x'.repeat(200)).subarray(0, 600), mediaType: ociLayer},
      {},
      'ERR_INJECT_LAYER_CORRUPT',
    ],
    [
      'what is not gzip',
      {blob: Buffer.from('1f8b0899', 'hex'), mediaType: `${ociLayer}+gzip`},
      {},
      'ERR_INJECT_LAYER_CORRUPT',
    ],
    [
      'more bytes than allowed',
      layer(file('a', 'x'.repeat(5000))),
      {limits: {...readLimits, totalBytes: 2000}},
      'ERR_INJECT_LAYER_TOO_LARGE',
    ],
    [
      'more entries than allowed',
      layer(...['a', 'b', 'c'].map((name) => file(name))),
      {limits: {...readLimits, entries: 2}},
      'ERR_INJECT_TOO_MANY_ENTRIES',
    ],
    [
      'a path that is too deep',
      layer(pax({path: 'd/'.repeat(3000)}), directory('x/')),
      {},
      'ERR_INJECT_PATH_TOO_DEEP',
    ],
    ['links of links of links', layer(file('l0'), ...chain), {}, 'ERR_INJECT_HARD_LINKS_TOO_DEEP'],
    [
      'a content that its diff ID does not name',
      {...layer(file('b')), diffId: digestOf(Buffer.from('x'))},
      {},
      'ERR_INJECT_DIFF_ID_MISMATCH',
    ],
  ])('%s ends it', async (_, hostile, options, code) => {
    await expect(compared(hostile, options)).rejects.toMatchObject({code})
  })

  it('are named by number and digest, with the entry where the fault is', async () => {
    const blob = Buffer.concat([file('a'), file('b', 'x'.repeat(100)).subarray(0, 600)])
    const digest = digestOf(blob)
    await expect(compared({blob, mediaType: ociLayer})).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_CORRUPT',
      message: `layer 1 (${digest}) is corrupt: it is cut off, in the entry 'b'`,
    })
  })

  it('with names that climb, or of the root, are read without these', async () => {
    const found = await compared(layer(file('../out'), file('/abs'), file('./a'), directory('./')))
    expect(told(found)).toEqual(['added abs'])
  })

  it('with hard links in a circle, or to nothing, are read', async () => {
    const found = await compared(
      layer(file('a'), hardlink('self', 'self'), hardlink('lost', 'none')),
    )
    expect(told(found)).toEqual(['added lost', 'added self'])
  })
})
