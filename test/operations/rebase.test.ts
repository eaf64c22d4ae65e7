import {describe, expect, it} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {decodeIndex} from '../../src/oci/image-index.js'
import {parseReference} from '../../src/oci/names/reference.js'
import {rebase, type RebaseRequest} from '../../src/operations/rebase.js'
import {inspect} from '../../src/operations/inspect.js'
import {remove} from '../../src/operations/remove.js'
import {update} from '../../src/operations/update.js'
import {makeEntry, smallLayer} from '../support/put-image.js'
import {severalPlaces} from '../support/several-places.js'
import {injectionRequest, type UpdateOptions, updateRequest} from '../support/update-options.js'
import {makeTree, putVendor, putVendorIndex, vendorLayers} from '../support/vendor.js'

const vendor = 'registry.example/vendor/app'
const ours = 'registry.example/team/app'
type Places = ReturnType<typeof severalPlaces>

/** Puts a directory into the vendor's image, as `team/app:data`. */
async function injected(places: Places, options: Partial<UpdateOptions> = {}) {
  const directory = await makeTree({'cvmfs/file': 'content'})
  const [reference, to] = [`${vendor}:v1`, `${ours}:data`].map(parseReference)
  if (!reference) throw new Error('no reference')
  return update(updateRequest({reference, to, directory, ...options}), places)
}

function request(more: Partial<RebaseRequest> = {}): RebaseRequest {
  const {target, publish} = injectionRequest()
  const image = {reference: parseReference(`${ours}:data`)}
  return {image, target, publish, platforms: 'intersect', look: 'auto', force: false, ...more}
}

const removal = (platforms?: 'all') =>
  injectionRequest({reference: parseReference(`${ours}:data`), ...(platforms && {platforms})})

async function tagged(places: Places, repository: string, tag: string) {
  return places.place(repository).statManifest(tag)
}

describe.each(['oci', 'docker'] as const)('an image in %s format', (family) => {
  it('follows the tag that it was made from, and remove gives the new vendor image', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one', {family})
    await injected(places)
    const next = await putVendor(places.place(vendor), 'two', {family})
    const result = await rebase(request(), places)
    expect(result).toMatchObject({
      changed: true,
      tags: ['data'],
      onto: {reference: `${vendor}:v1`, to: next.digest},
      images: [{platform: 'linux/amd64', slots: [{name: 'cvmfs', layers: 1, repacked: 0}]}],
    })
    // the same as what an update of the new image gives, but for what it replaced
    const fresh = severalPlaces()
    await putVendor(fresh.place(vendor), 'two', {family})
    await injected(fresh)
    const [one, other] = await Promise.all(
      [places, fresh].map((each) => inspect({reference: parseReference(`${ours}:data`)}, each)),
    )
    expect(withoutDigest(one)).toEqual(withoutDigest(other))
    expect(await remove(removal(), places)).toMatchObject({original: true, digest: next.digest})
  })

  it('stays as it is while the vendor does, also where the tag is the vendor tag itself', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one', {family})
    const {digest} = await injected(places)
    expect(await rebase(request(), places)).toMatchObject({changed: false, digest, tags: []})
    const inPlace = {reference: parseReference(`${vendor}:v1`)}
    await injected(places, {to: undefined})
    expect(await rebase(request({image: inPlace}), places)).toMatchObject({
      changed: false,
      tags: [],
    })
  })

  it('an index of four platforms follows, without the attestations of the old images', async () => {
    const places = severalPlaces()
    const processors = ['amd64', 'arm64', 's390x', 'riscv64']
    const attestations = family === 'oci'
    await putVendorIndex(places.place(vendor), 'one', processors, {family, attestations})
    await injected(places, {platforms: 'all'})
    const next = await putVendorIndex(places.place(vendor), 'two', processors, {
      family,
      attestations,
    })
    const result = await rebase(request(), places)
    expect(result.images.map(({platform}) => platform)).toEqual(
      processors.map((name) => `linux/${name}`),
    )
    expect(result).toMatchObject({changed: true, attestationsDropped: attestations ? 4 : 0})
    expect(await rebase(request(), places)).toMatchObject({changed: false})
    expect(await remove(removal('all'), places)).toMatchObject({
      original: true,
      digest: next.digest,
    })
  })
})

it('what an index says for a slot is said by the new one, and remove takes it back', async () => {
  const places = severalPlaces()
  const indexOf = async () => {
    const stored = await places.place(ours).getManifest('data')
    return decodeIndex(stored!.bytes, stored!.descriptor.mediaType).annotations
  }
  await putVendorIndex(places.place(vendor), 'one', ['amd64', 'arm64'])
  const indexAnnotations = {'example.title': 'models'}
  await injected(places, {platforms: 'all', indexAnnotations})
  const next = await putVendorIndex(places.place(vendor), 'two', ['amd64', 'arm64'])
  await rebase(request(), places)
  expect(await indexOf()).toMatchObject(indexAnnotations)
  expect(await rebase(request(), places)).toMatchObject({changed: false})
  expect(await remove(removal('all'), places)).toMatchObject({original: true, digest: next.digest})
})

it('a check changes nothing and tells what would change', async () => {
  const places = severalPlaces()
  await putVendor(places.place(vendor), 'one')
  const {digest} = await injected(places)
  await putVendor(places.place(vendor), 'two')
  const {publish} = request()
  const dryRun = request({publish: {...publish, dryRun: true}})
  const planned = await rebase(dryRun, places)
  expect(planned).toMatchObject({changed: true, dryRun: true, tags: ['data']})
  expect(await tagged(places, ours, 'data')).toBe(digest)
  expect((await rebase(request(), places)).digest).toBe(planned.digest)
})

it('an image that another run has rebased in the same way is left as that run made it', async () => {
  const places = severalPlaces()
  await putVendor(places.place(vendor), 'one')
  await injected(places)
  await putVendor(places.place(vendor), 'two')
  const target = {tags: ['next']}
  const {digest} = await rebase(request({target}), places)
  expect(await rebase(request({target}), places)).toMatchObject({digest, tags: []})
})

describe('what is refused', () => {
  it('an image that does not say where it comes from, until --onto does', async () => {
    const places = severalPlaces()
    const {digest: base} = await putVendor(places.place(vendor), 'one')
    // by digest: no tag is remembered
    const reference = parseReference(`${vendor}@${base}`)
    await injected(places, {reference})
    const next = await putVendor(places.place(vendor), 'two')
    await expect(rebase(request(), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_ORIGIN_UNKNOWN',
    })
    const onto = parseReference(`${vendor}:v1`)
    expect(await rebase(request({onto}), places)).toMatchObject({onto: {to: next.digest}})
  })

  it('an image without slots', async () => {
    const places = severalPlaces()
    await putVendor(places.place(ours), 'one', {tag: 'data'})
    await putVendor(places.place(vendor), 'two')
    const onto = parseReference(`${vendor}:v1`)
    await expect(rebase(request({onto}), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_NO_SLOT',
    })
  })

  it('a new image that has slots itself', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one')
    await injected(places)
    await putVendor(places.place(vendor), 'two')
    await injected(places, {to: undefined})
    await expect(rebase(request(), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_ONTO_INJECTED',
    })
  })

  it('an index on a single image', async () => {
    const places = severalPlaces()
    await putVendorIndex(places.place(vendor), 'one', ['amd64', 'arm64'])
    await injected(places, {platforms: 'all'})
    await putVendor(places.place(vendor), 'two')
    await expect(rebase(request(), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_PLATFORMS_CHANGED',
    })
  })
})

describe('platforms that changed', () => {
  async function changed() {
    const places = severalPlaces()
    await putVendorIndex(places.place(vendor), 'one', ['amd64', 'arm64'])
    await injected(places, {platforms: 'all'})
    const next = await putVendorIndex(places.place(vendor), 'two', ['amd64', 'riscv64'])
    return {places, next}
  }

  it('are told, the slots go into those of both, and remove gives the new index', async () => {
    const {places, next} = await changed()
    expect(await rebase(request(), places)).toMatchObject({
      platforms: {added: ['linux/riscv64'], removed: ['linux/arm64']},
      images: [{platform: 'linux/amd64'}],
    })
    expect(await remove(removal('all'), places)).toMatchObject({digest: next.digest})
  })

  it('are an error with fail', async () => {
    const {places} = await changed()
    await expect(rebase(request({platforms: 'fail'}), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_PLATFORMS_CHANGED',
    })
  })
})

describe('files of the new image that the slot hides', () => {
  const files = {'cvmfs/file': 'content', 'cvmfs/deep/other': 'x'}
  const hiding = {entries: [makeEntry('cvmfs/'), makeEntry('cvmfs/file'), makeEntry('cvmfs/free')]}

  it('are told if the old image did not have them', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one')
    await injected(places, {directory: await makeTree(files)})
    await putVendor(places.place(vendor), 'two', {layers: vendorLayers('two', hiding)})
    const result = await rebase(request(), places)
    expect(result.images[0]).toMatchObject({
      hidden: ['/cvmfs/file'],
      hiddenCount: 1,
      isLookComplete: true,
    })
  })

  it('are not told if the old image had them, or nobody is to look', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one', {layers: vendorLayers('one', hiding)})
    await injected(places, {directory: await makeTree(files)})
    const more = [hiding, smallLayer('more')]
    await putVendor(places.place(vendor), 'two', {layers: vendorLayers('two', ...more)})
    const {publish} = request()
    const dry = {...publish, dryRun: true}
    expect((await rebase(request({publish: dry}), places)).images[0]?.hidden).toEqual([])
    expect((await rebase(request({look: 'none'}), places)).images[0]?.hidden).toEqual([])
  })

  it('count where a whiteout or an opaque directory of the slot hides them', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one')
    const directory = await makeTree({'cvmfs/.wh.free': '', 'cvmfs/deep/.wh..wh..opq': ''})
    await injected(places, {directory, whiteouts: true})
    const deep = {
      entries: [makeEntry('cvmfs/'), makeEntry('cvmfs/deep/'), makeEntry('cvmfs/deep/x')],
    }
    await putVendor(places.place(vendor), 'two', {layers: vendorLayers('two', hiding, deep)})
    const result = await rebase(request(), places)
    expect(result.images[0]?.hidden).toEqual(['/cvmfs/deep/x', '/cvmfs/free'])
  })

  it('a link in place of a directory of the slot is refused', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one')
    await injected(places, {directory: await makeTree({'lib/file': 'x'})})
    const link = {entries: [makeEntry('usr/'), makeEntry('lib', {kind: 'symlink', target: 'usr'})]}
    await putVendor(places.place(vendor), 'two', {layers: vendorLayers('two', link)})
    await expect(rebase(request(), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_LINK_IN_THE_WAY',
    })
  })
})

describe('a slot whose directories are those of the image', () => {
  const directories = (mode: number) => ({
    entries: [makeEntry('opt/', {mode: 0o700 + mode}), makeEntry('srv/', {mode: 0o755})],
  })
  const files = {'opt/file': 'x'.repeat(3000), 'opt/deep/other': 'y', 'srv/z': ''}

  async function moved(mode: number, more: Partial<UpdateOptions> = {}) {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one', {layers: vendorLayers('one', directories(0))})
    const directory = await makeTree(files)
    const {digest: before} = await injected(places, {directory, parents: 'base', ...more})
    const layers = vendorLayers('two', directories(mode))
    const next = await putVendor(places.place(vendor), 'two', {layers})
    return {places, directory, next, before, more}
  }

  it('is packed again when these differ, as an update of the new image packs it', async () => {
    const {places, directory, next} = await moved(5)
    const result = await rebase(request(), places)
    expect(result.images[0]?.slots).toEqual([{name: 'cvmfs', path: '/', layers: 1, repacked: 1}])
    const again = {reference: parseReference(`${ours}:data`), directory, parents: 'base'} as const
    expect(await update(updateRequest(again), places)).toMatchObject({changed: false})
    expect(await remove(removal(), places)).toMatchObject({digest: next.digest})
  })

  it.each(['zstd', 'none'] as const)('stays %s when it is packed again', async (compression) => {
    const {places, directory} = await moved(5, {compression})
    await rebase(request(), places)
    const reference = parseReference(`${ours}:data`)
    const image = await inspect({reference}, places)
    const type = 'application/vnd.oci.image.layer.v1.tar'
    const suffix = compression === 'none' ? '' : `+${compression}`
    if (!('layers' in image)) throw new Error('an index')
    const types = image.layers.filter(({slot}) => slot === 'cvmfs').map((each) => each.mediaType)
    expect(types).toEqual([`${type}${suffix}`])
    const again = {reference, directory, parents: 'base', compression} as const
    expect(await update(updateRequest(again), places)).toMatchObject({changed: false})
  })

  it('is not when they are the same, and a dry run cannot tell the digest when they differ', async () => {
    const same = await moved(0)
    expect((await rebase(request(), same.places)).images[0]?.slots[0]?.repacked).toBe(0)
    const {places} = await moved(5)
    const {publish} = request()
    expect(await rebase(request({publish: {...publish, dryRun: true}}), places)).toMatchObject({
      digest: null,
      changed: true,
      tags: ['data'],
    })
  })

  it('follows links of the new image', async () => {
    const {places} = await moved(0)
    const link = {
      entries: [
        makeEntry('usr/'),
        makeEntry('usr/opt/'),
        makeEntry('opt', {kind: 'symlink', target: 'usr/opt'}),
      ],
    }
    await putVendor(places.place(vendor), 'three', {layers: vendorLayers('three', link)})
    const result = await rebase(request(), places)
    expect(result.images[0]?.slots[0]?.repacked).toBe(1)
    const {digest} = result
    const image = await inspect({reference: parseReference(`${ours}@${digest ?? ''}`)}, places)
    expect(await namesIn(places, image)).toEqual([
      'usr/opt/deep',
      'usr/opt/deep/other',
      'usr/opt/file',
      'srv',
      'srv/z',
    ])
  })

  it('is packed again in each of its layers that has such a directory', async () => {
    const {places} = await moved(5, {layers: 3})
    const result = await rebase(request(), places)
    const [slot] = result.images[0]?.slots ?? []
    // the one with the directories, and the one with what is in the directory that differs
    expect(slot).toMatchObject({layers: 2, repacked: 2})
  })
})

describe('an image of buildpacks', () => {
  const label = 'io.buildpacks.lifecycle.metadata'
  const os = (version: string) => [smallLayer('etc'), smallLayer(`os-${version}`)]

  /** The application of a vendor on a run image, with a slot; and the next run image. */
  async function onRunImage(names: readonly string[]) {
    const places = severalPlaces()
    const run = places.place('registry.example/run')
    await putVendor(run, 'old', {layers: os('old'), tag: '1'})
    const known = await inspect({reference: parseReference('registry.example/run:1')}, places)
    if (!('layers' in known)) throw new Error('an index')
    const topLayer = known.layers.at(-1)?.diffId
    const metadata = {runImage: {topLayer, image: names[0], mirrors: names.slice(1)}}
    const layers = [...os('old'), smallLayer('app')]
    await putVendor(places.place(vendor), 'x', {
      layers,
      labels: {[label]: JSON.stringify(metadata)},
    })
    await injected(places)
    await putVendor(run, 'new', {layers: os('new'), tag: '1'})
    return places
  }
  const onto = parseReference('registry.example/run:1')

  it('gets the new run image below the application, and remove gives that without the slot', async () => {
    const places = await onRunImage(['registry.example/run:1'])
    const result = await rebase(request({onto}), places)
    const {digest: base} = result.images[0]?.base
      ? {digest: result.images[0].base.to}
      : {digest: ''}
    const image = await inspect({reference: parseReference(`${ours}:data`)}, places)
    if (!('layers' in image)) throw new Error('an index')
    expect(image.layers).toHaveLength(4)
    expect(image.slots).toMatchObject([{name: 'cvmfs', layer: 3}])
    expect(await remove(removal(), places)).toMatchObject({original: true, digest: base})
  })

  it('is not put on one that it does not name, but by force', async () => {
    const places = await onRunImage(['registry.example/other:1'])
    await expect(rebase(request({onto}), places)).rejects.toMatchObject({
      code: 'ERR_INJECT_NOT_REBASABLE',
    })
    expect(await rebase(request({onto, force: true}), places)).toMatchObject({changed: true})
  })
})

it('a conflict is an error, and with retry the slots are put on the image of the other run', async () => {
  const places = severalPlaces()
  await putVendor(places.place(vendor), 'one')
  await injected(places)
  await putVendor(places.place(vendor), 'two')
  const store = places.place(ours)
  let theirs: Digest | null | undefined
  const meddling = (): Places => ({
    ...places,
    openStore: async (reference, options) => {
      const opened = await places.openStore(reference, options)
      const {tag} = reference
      if (tag !== 'data') return opened
      return {
        ...opened,
        async putManifest(bytes, mediaType, call) {
          if (theirs === undefined) {
            theirs = null
            const directory = await makeTree({'cvmfs/other': 'theirs'})
            theirs = (await update(updateRequest({reference, directory}), places)).digest
          }
          return store.putManifest(bytes, mediaType, call)
        },
      }
    },
  })
  await expect(rebase(request(), meddling())).rejects.toMatchObject({code: 'ERR_INJECT_TAG_MOVED'})
  expect(await tagged(places, ours, 'data')).toBe(theirs)
  theirs = undefined
  const {publish} = request()
  const retry = {...publish, onConflict: 'retry'} as const
  const result = await rebase(request({publish: retry}), meddling())
  expect(result).toMatchObject({base: theirs, tags: ['data']})
})

function withoutDigest(result: Awaited<ReturnType<typeof inspect>> | undefined): object {
  return {...result, reference: '', digest: ''}
}

async function namesIn(places: Places, image: Awaited<ReturnType<typeof inspect>>) {
  const [slot] = 'slots' in image ? image.slots : []
  const found =
    'layers' in image ? image.layers.find((each) => each.diffId === slot?.diffId) : undefined
  if (!found) throw new Error('no slot')
  const {readLayerIndex} = await import('../../src/layer/contents/layer-index.js')
  const blob = await places.place(ours).openBlob({digest: found.digest, size: found.size})
  const layer = {...found, place: {number: 1, digest: found.digest}}
  return (await readLayerIndex(blob, layer, places.signal)).map(({path}) => path)
}
