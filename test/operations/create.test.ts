import {mkdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {parseReference} from '../../src/oci/names/reference.js'
import {parsePlatform} from '../../src/oci/platform.js'
import {create, type CreateRequest, usualPlatform} from '../../src/operations/create.js'
import {createModel} from '../../src/operations/create-model.js'
import {inspect} from '../../src/operations/inspect.js'
import {remove} from '../../src/operations/remove.js'
import {unpack} from '../../src/operations/unpack.js'
import {update} from '../../src/operations/update.js'
import {severalPlaces} from '../support/several-places.js'
import {tempDir} from '../support/temp-dir.js'
import {injectionRequest, updateRequest} from '../support/update-options.js'
import {makeTree} from '../support/vendor.js'

const name = 'registry.example/team/data'
const reference = parseReference(`${name}:v1`)

function request(directory: string, more: Partial<CreateRequest> = {}): CreateRequest {
  return {
    ...{reference, tags: [], name: 'data', platforms: [usualPlatform]},
    source: {directory, exclude: []},
    layer: {},
    publish: {dryRun: false, noClobber: false, onConflict: 'fail'},
    ...more,
  }
}

async function documents(places: ReturnType<typeof severalPlaces>, digest = 'v1') {
  const store = places.place(name)
  const stored = await store.getManifest(digest)
  return JSON.parse(Buffer.from(stored!.bytes).toString()) as {
    manifests?: {digest: string; platform: object}[]
    artifactType?: string
    annotations?: Record<string, string>
    config: {digest: string; mediaType: string; size: number}
    layers: {digest: string; mediaType: string; annotations?: Record<string, string>}[]
  }
}

async function blob(places: ReturnType<typeof severalPlaces>, descriptor: object) {
  const stream = await places.place(name).openBlob(descriptor as never)
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

describe('create', () => {
  it('makes an image of one layer, with a config that says what it runs on', async () => {
    const places = severalPlaces()
    const result = await create(request(await makeTree({a: 'one'})), places)
    expect(result).toMatchObject({changed: true, tags: ['v1'], slot: {name: 'data', path: '/'}})
    expect(result.reference).toBe(`${name}@${result.digest}`)
    expect(result).not.toHaveProperty('base')
    const manifest = await documents(places)
    expect(manifest.layers).toHaveLength(1)
    expect(manifest.annotations ?? {}).toEqual({})
    const config = JSON.parse((await blob(places, manifest.config)).toString()) as object
    expect(config).toMatchObject({
      architecture: 'amd64',
      os: 'linux',
      history: [expect.objectContaining({created: expect.any(String) as string})],
      rootfs: {type: 'layers', diff_ids: [expect.any(String)]},
    })
  })

  it('makes the same image of the same content, and then moves no tag', async () => {
    const places = severalPlaces()
    const directory = await makeTree({a: 'one'})
    const first = await create(request(directory), places)
    const second = await create(request(directory), places)
    expect(second).toMatchObject({digest: first.digest, tags: []})
    const third = await create(request(await makeTree({a: 'two'})), places)
    expect(third).toMatchObject({tags: ['v1']})
    expect(third.digest).not.toBe(first.digest)
  })

  it('makes an index of several platforms, whose images share the layer', async () => {
    const places = severalPlaces()
    const platforms = ['linux/amd64', 'linux/arm64/v8'].map(parsePlatform)
    await create(request(await makeTree({a: 'one'}), {platforms}), places)
    const index = await documents(places)
    expect(index.manifests?.map(({platform}) => platform)).toEqual(platforms)
    expect(index.annotations ?? {}).toEqual({})
    const images = await Promise.all(index.manifests!.map(({digest}) => documents(places, digest)))
    expect(images[0]!.layers).toEqual(images[1]!.layers)
    expect(images[0]!.config.digest).not.toBe(images[1]!.config.digest)
  })

  it('is updated, unpacked and inspected as any image; its only slot is not removed', async () => {
    const places = severalPlaces()
    await create(request(await makeTree({a: 'one'}), {layer: {path: '/models'}}), places)
    const directory = await makeTree({b: 'two'})
    const updated = await update(updateRequest({reference, name: 'data', directory}), places)
    expect(updated).toMatchObject({changed: true, slot: {action: 'replaced', path: '/models'}})
    expect((await documents(places)).layers).toHaveLength(1)
    const out = join(await tempDir(), 'out')
    const rest = {machine: usualPlatform, force: false, follow: false, strict: false}
    const options = {reference, directory: out, devices: false, sparse: true, ...rest}
    await unpack({...options, name: undefined, platform: undefined}, places)
    expect(readFileSync(join(out, 'b'), 'utf8')).toBe('two')
    expect(await inspect({reference, platform: undefined}, places)).toMatchObject({
      slots: [{name: 'data', path: '/models'}],
    })
    const gone = remove({...injectionRequest({reference, name: 'data'}), base: undefined}, places)
    await expect(gone).rejects.toMatchObject({code: 'ERR_INJECT_ONLY_LAYER'})
  })

  it('changes nothing in a dry run, and overwrites no tag where that is not wanted', async () => {
    const places = severalPlaces()
    const dry = {publish: {dryRun: true, noClobber: false, onConflict: 'fail'} as const}
    const directory = await makeTree({a: 'one'})
    expect(await create(request(directory, dry), places)).toMatchObject({tags: ['v1']})
    expect(await places.place(name).getManifest('v1')).toBeUndefined()
    await create(request(directory), places)
    const careful = {publish: {dryRun: false, noClobber: true, onConflict: 'fail'} as const}
    const other = create(request(await makeTree({a: 'two'}), careful), places)
    await expect(other).rejects.toMatchObject({code: 'ERR_INJECT_TAG_EXISTS'})
  })
})

describe('createModel', () => {
  it('makes a layer of each file, stored as it is, with its path', async () => {
    const places = severalPlaces()
    const directory = await makeTree({'model.safetensors': 'weights', 'config.json': '{}'})
    mkdirSync(join(directory, 'sub'))
    writeFileSync(join(directory, 'sub/README.md'), 'read me')
    const result = await createModel(request(directory), places)
    expect(result).toMatchObject({files: 3, bytes: 16, new: 3, changed: true, tags: ['v1']})
    const manifest = await documents(places)
    expect(manifest.artifactType).toBe('application/vnd.cncf.model.manifest.v1+json')
    expect(manifest.config.mediaType).toBe('application/vnd.cncf.model.config.v1+json')
    const layers = manifest.layers.map(({mediaType, annotations}) => [
      mediaType,
      annotations?.['org.cncf.model.filepath'],
    ])
    expect(layers).toEqual([
      ['application/vnd.cncf.model.weight.config.v1.raw', 'config.json'],
      ['application/vnd.cncf.model.weight.v1.raw', 'model.safetensors'],
      ['application/vnd.cncf.model.doc.v1.raw', 'sub/README.md'],
    ])
    expect((await blob(places, manifest.layers[1]!)).toString()).toBe('weights')
    const config = JSON.parse((await blob(places, manifest.config)).toString()) as {
      modelfs: {diffIds: string[]}
    }
    expect(config.modelfs.diffIds).toEqual(manifest.layers.map(({digest}) => digest))
  })

  it('sends only files that changed', async () => {
    const places = severalPlaces()
    const directory = await makeTree({'a.bin': 'one', 'b.bin': 'two'})
    await createModel(request(directory), places)
    expect(await createModel(request(directory), places)).toMatchObject({new: 0, tags: []})
    writeFileSync(join(directory, 'b.bin'), 'three')
    expect(await createModel(request(directory), places)).toMatchObject({new: 1, tags: ['v1']})
  })

  it('refuses what is not a regular file, and nothing at all', async () => {
    const places = severalPlaces()
    const directory = await makeTree({})
    const code = 'ERR_INJECT_MODEL_FILE'
    await expect(createModel(request(directory), places)).rejects.toMatchObject({code})
    symlinkSync('x', join(directory, 'link'))
    await expect(createModel(request(directory), places)).rejects.toMatchObject({code})
  })
})
