import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {renderStatus} from '../../../src/cli/render/follow/status.js'
import {graftOf} from '../../../src/image/follow/graft-origin.js'
import {findSlot} from '../../../src/image/slot.js'
import {parseReference} from '../../../src/oci/names/reference.js'
import {create, usualPlatform} from '../../../src/operations/create.js'
import {fetchImage} from '../../../src/operations/find/fetch-image.js'
import {parseGraft} from '../../../src/operations/graft/graft-request.js'
import {status} from '../../../src/operations/status.js'
import {unpack} from '../../../src/operations/unpack.js'
import {type GraftSource, update, type UpdateRequest} from '../../../src/operations/update.js'
import type {Ports} from '../../../src/ports.js'
import {makeEntry, putImage} from '../../support/put-image.js'
import {openRegistry} from '../../support/open-registry.js'
import {recordRequests} from '../../support/recording-proxy.js'
import {serveRegistry} from '../../support/served-registry.js'
import {severalPlaces} from '../../support/several-places.js'
import {tempDir} from '../../support/temp-dir.js'
import {updateRequest} from '../../support/update-options.js'
import {makeTree, putVendor, putVendorIndex} from '../../support/vendor.js'

const model = 'registry.example/team/model'
const app = 'registry.example/team/app'
const signal = new AbortController().signal

async function graftRequest(
  from: string,
  {slot, source, ...more}: {slot?: string; source?: Partial<GraftSource>; path?: string} = {},
  to = `${app}:v1`,
): Promise<UpdateRequest> {
  const request = updateRequest({directory: '', reference: parseReference(to), ...more})
  const graft = parseGraft(from, slot)
  return {...request, source: {graft, temporary: await tempDir(), exclude: [], ...source}}
}

/** An image with a model in its slot, and one to put it into. */
async function twoImages(places: ReturnType<typeof severalPlaces>, compression?: 'zstd') {
  await putVendor(places.place(model), 'model')
  await putVendor(places.place(app), 'app')
  const directory = await makeTree({weights: 'heavy', 'sub/config': '{}'})
  const reference = parseReference(`${model}:v1`)
  await update(
    updateRequest({reference, directory, name: 'model', path: '/opt/model', compression}),
    places,
  )
}

async function slotAt(places: ReturnType<typeof severalPlaces>, repository: string, name: string) {
  const image = await fetchImage(places.place(repository), 'v1', signal)
  return {image: image!, slot: findSlot(image!, name)!}
}

async function unpacked(places: Ports, repository = app): Promise<string> {
  const directory = join(await tempDir(), 'out')
  const reference = parseReference(`${repository}:v1`)
  const how = {force: false, follow: false, strict: true, devices: false, sparse: true}
  await unpack({reference, directory, ...how}, places)
  return directory
}

describe('a whole slot of another image', () => {
  it.each([undefined, 'zstd' as const])('is linked by its layer: %s', async (compression) => {
    const places = severalPlaces()
    await twoImages(places, compression)
    const result = await update(await graftRequest(`${model}:v1`), places)
    expect(result).toMatchObject({changed: true, slot: {path: '/opt/model', action: 'added'}})
    const [from, to] = [await slotAt(places, model, 'model'), await slotAt(places, app, 'cvmfs')]
    expect(to.slot.descriptor).toEqual(from.slot.descriptor)
    expect(to.slot.diffId).toBe(from.slot.diffId)
    expect(graftOf(to.image, 'cvmfs')).toEqual({
      digest: from.image.manifest.descriptor.digest,
      image: `${model}:v1`,
      slot: 'model',
    })
    expect(readFileSync(join(await unpacked(places), 'sub/config'), 'utf8')).toBe('{}')
  })

  it('is unchanged the second time, and is an own slot after an update', async () => {
    const places = severalPlaces()
    await twoImages(places)
    await update(await graftRequest(`${model}:v1`), places)
    expect(await update(await graftRequest(`${model}:v1`), places)).toMatchObject({
      changed: false,
      tags: [],
    })
    const directory = await makeTree({own: 'content'})
    await update(updateRequest({directory, reference: parseReference(`${app}:v1`)}), places)
    expect(graftOf((await slotAt(places, app, 'cvmfs')).image, 'cvmfs')).toBeUndefined()
  })

  it('is read and packed for another path, or another owner', async () => {
    const places = severalPlaces()
    await twoImages(places)
    await update(await graftRequest(`${model}:v1`, {path: '/srv'}), places)
    const {slot} = await slotAt(places, app, 'cvmfs')
    expect(slot.path).toBe('/srv')
    expect(slot.diffId).not.toBe((await slotAt(places, model, 'model')).slot.diffId)
    expect(readFileSync(join(await unpacked(places), 'weights'), 'utf8')).toBe('heavy')
    const owned = await graftRequest(`${model}:v1`, {source: {owner: {uid: 7, gid: 7}}})
    expect(await update(owned, places)).toMatchObject({changed: true})
  })

  it('gives the layer that an update with the same files gives, when it is packed', async () => {
    const places = severalPlaces()
    await twoImages(places)
    await update(await graftRequest(`${model}:v1`, {path: '/srv'}), places)
    const {slot} = await slotAt(places, app, 'cvmfs')
    const directory = await unpacked(places)
    const again = updateRequest({directory, reference: parseReference(`${app}:v1`)})
    await update(again, places)
    expect((await slotAt(places, app, 'cvmfs')).slot.diffId).toBe(slot.diffId)
  })

  it.each([
    [`${app}:v1`, undefined, 'ERR_INJECT_NO_SLOT'],
    [`${model}:v1`, 'other', 'ERR_INJECT_NO_SLOT'],
    [`${model}:v1//nowhere`, undefined, 'ERR_INJECT_PATH_NOT_FOUND'],
    [`${model}:v1//etc/os-release`, undefined, 'ERR_INJECT_PATH_NOT_FOUND'],
  ])('is refused if it is not there: %s %s', async (from, slot, code) => {
    const places = severalPlaces()
    await twoImages(places)
    const request = await graftRequest(from, slot === undefined ? {} : {slot})
    await expect(update(request, places)).rejects.toMatchObject({code})
  })
})

describe('a directory of another image', () => {
  const data = Buffer.from('x')

  it('is what its layers come to, whiteouts and all', async () => {
    const places = severalPlaces()
    await putVendor(places.place(app), 'app')
    await putImage(places.place(model), {
      layers: [
        {
          entries: ['opt/', 'opt/m/', 'opt/m/old', 'opt/m/sub/', 'opt/m/sub/x'].map((path) =>
            makeEntry(path),
          ),
        },
        {entries: ['opt/', 'opt/m/', 'opt/m/.wh.old', 'opt/m/new'].map((path) => makeEntry(path))},
        {
          entries: [
            makeEntry('opt/m/sub/'),
            makeEntry('opt/m/sub/.wh..wh..opq'),
            makeEntry('opt/m/sub/y'),
          ],
        },
      ],
    })
    const result = await update(await graftRequest(`${model}:v1//opt/m`), places)
    expect(result).toMatchObject({slot: {path: '/opt/m'}, layer: {entries: 4}})
    const out = await unpacked(places)
    for (const name of ['new', 'sub/y']) expect(readFileSync(join(out, name))).toHaveLength(0)
    expect(data).toHaveLength(1)
  })

  it('is a part of a slot, too', async () => {
    const places = severalPlaces()
    await twoImages(places)
    const from = `${model}:v1//opt/model/sub`
    await update(await graftRequest(from, {slot: 'model'}), places)
    expect(readFileSync(join(await unpacked(places), 'config'), 'utf8')).toBe('{}')
  })
})

describe('an index', () => {
  it('gets the content for each platform, and says that it was taken from elsewhere', async () => {
    const places = severalPlaces()
    await putVendorIndex(places.place(model), 'model', ['amd64', 'arm64'])
    await putVendorIndex(places.place(app), 'app', ['amd64', 'arm64'])
    const directory = await makeTree({weights: 'heavy'})
    const reference = parseReference(`${model}:v1`)
    await update(updateRequest({reference, directory, platforms: 'all'}), places)
    const request = await graftRequest(`${model}:v1`)
    const image = {...request.image, platforms: 'all' as const}
    const result = await update({...request, image}, places)
    expect(result).toMatchObject({images: [{changed: true}, {changed: true}]})
    const base = parseReference(`${app}:v1`)
    expect(await status({images: [base], base}, places)).toMatchObject({
      images: [{grafts: [{slot: 'cvmfs', image: `${model}:v1`, moved: false}]}],
    })
  })
})

describe('what goes over the network', () => {
  async function served(sameRegistry: boolean) {
    const [one, two] = [await serveRegistry(), await serveRegistry()]
    const target = await recordRequests(one.address)
    const source = sameRegistry ? target : await recordRequests(two.address)
    const ports: Ports = {
      openStore: (reference) => {
        if (reference.kind !== 'registry') throw new Error('not a registry')
        const {registry, repository} = reference
        return Promise.resolve(openRegistry(registry, {repository}).store)
      },
      report: () => undefined,
      signal,
    }
    const names = {model: `${source.address}/team/model:v1`, app: `${target.address}/team/app:v1`}
    await putVendor(openRegistry(source.address, {repository: 'team/model'}).store, 'model')
    await putVendor(openRegistry(target.address, {repository: 'team/app'}).store, 'app')
    const directory = await makeTree({weights: 'heavy'.repeat(20_000)})
    const reference = parseReference(names.model)
    const path = '/opt/model'
    const {layer} = (await update(updateRequest({reference, directory, path}), ports)) as {
      layer: {digest: string; size: number}
    }
    for (const proxy of [source, target]) proxy.requests.length = 0
    await update(await graftRequest(names.model, {}, names.app), ports)
    return {source, target, layer}
  }

  it('is manifests and configs only within a registry: the layer is mounted', async () => {
    const {target, layer} = await served(true)
    const about = target.requests.filter(({path}) => path.includes(layer.digest.slice(7)))
    expect(
      about.filter(({method}) => method !== 'HEAD').map(({method, path}) => [method, path]),
    ).toEqual([['POST', expect.stringContaining('mount=')]])
    const blobs = target.requests.filter(
      ({method, path}) => method === 'GET' && path.includes('/blobs/'),
    )
    // the configs of the two images
    expect(blobs).toHaveLength(2)
    expect(Math.max(...target.requests.map(({bytes}) => bytes))).toBeLessThan(4000)
  })

  it('is the bytes of the layer once across registries', async () => {
    const {source, target, layer} = await served(false)
    const got = source.requests.filter(
      ({method, path}) => method === 'GET' && path.includes(layer.digest.slice(7)),
    )
    expect(got).toHaveLength(1)
    const sent = target.requests.filter(({bytes}) => bytes === layer.size)
    expect(sent).toHaveLength(1)
  })
})

describe('parseGraft', () => {
  it.each([
    ['registry.example/team/model:v1', undefined],
    ['registry.example/team/model:v1//opt/model/', '/opt/model'],
    ['registry.example/team/model:v1//', '/'],
    ['oci:dir:v1//opt', '/opt'],
  ])('takes %s apart', (text, path) => {
    expect(parseGraft(text, undefined).path).toBe(path)
  })

  it('refuses a path that climbs', () => {
    expect(() => parseGraft('registry.example/a:v1//a/../b', undefined)).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_SLOT_PATH_INVALID'}),
    )
  })
})

describe('status', () => {
  it('sees that the image moved that the content was taken from', async () => {
    const places = severalPlaces()
    await twoImages(places)
    const images = [parseReference(`${app}:v1`)]
    await update(await graftRequest(`${model}:v1`, {}, `${app}:v1`), places)
    // the image of the app was its own vendor's
    const base = parseReference(`${app}:v1`)
    const before = await status({images, base}, places)
    expect(before.images[0]).toMatchObject({error: null, grafts: [{slot: 'cvmfs', moved: false}]})
    const directory = await makeTree({weights: 'heavier'})
    const reference = parseReference(`${model}:v1`)
    const {digest: to} = await update(updateRequest({reference, directory, name: 'model'}), places)
    const after = await status({images, base}, places)
    expect(after).toMatchObject({
      changed: true,
      images: [{grafts: [{slot: 'cvmfs', image: `${model}:v1`, path: null, to, moved: true}]}],
    })
    expect(renderStatus(after)).toMatch(
      /moved .*slot cvmfs is from registry.example\/team\/model:v1/,
    )
  })

  it('knows no vendor of an image that holds nothing but slots', async () => {
    const places = severalPlaces()
    const reference = parseReference(`${app}:v1`)
    const directory = await makeTree({a: 'x'})
    await create(
      {
        ...{reference, tags: [], name: 'data', platforms: [usualPlatform], layer: {}},
        source: {directory, exclude: []},
        publish: {dryRun: false, noClobber: false, onConflict: 'fail'},
      },
      places,
    )
    expect(await status({images: [reference]}, places)).toMatchObject({
      changed: false,
      failure: undefined,
      images: [{vendor: null, moved: false, grafts: []}],
    })
  })
})
