import {describe, expect, it} from 'vitest'
import {parseReference} from '../../src/oci/names/reference.js'
import {status, type StatusRequest} from '../../src/operations/status.js'
import {update} from '../../src/operations/update.js'
import {severalPlaces} from '../support/several-places.js'
import {updateRequest} from '../support/update-options.js'
import {makeTree, putVendor, putVendorIndex} from '../support/vendor.js'

const vendor = 'registry.example/vendor/app'
const image = parseReference('registry.example/team/app:data')
type Places = ReturnType<typeof severalPlaces>

async function inject(places: Places, platforms?: 'all') {
  const directory = await makeTree({'cvmfs/file': 'content'})
  const reference = parseReference(`${vendor}:v1`)
  await update(updateRequest({reference, to: image, directory, platforms}), places)
  return directory
}

const ask = async (places: Places, more: Partial<StatusRequest> = {}) => {
  const result = await status({images: [image], ...more}, places)
  return {...result, only: result.images[0]}
}

describe('an image', () => {
  it('is up to date until the tag of the vendor moves', async () => {
    const places = severalPlaces()
    const {digest: from} = await putVendor(places.place(vendor), 'one')
    await inject(places)
    expect(await ask(places)).toMatchObject({
      changed: false,
      failure: undefined,
      only: {
        moved: false,
        vendor: `${vendor}:v1`,
        from,
        to: from,
        platforms: [{platform: 'linux/amd64', state: 'same', slots: [{name: 'cvmfs'}]}],
      },
    })
    const {digest: to} = await putVendor(places.place(vendor), 'two')
    expect(await ask(places)).toMatchObject({
      changed: true,
      only: {
        moved: true,
        from,
        to,
        platforms: [
          {
            state: 'moved',
            from,
            to,
            layers: {kept: 1, changed: 1},
            since: '2024-01-01T00:00:00Z',
          },
        ],
      },
    })
  })

  it('of an index is told by platform', async () => {
    const places = severalPlaces()
    await putVendorIndex(places.place(vendor), 'one', ['amd64', 'arm64'])
    await inject(places, 'all')
    expect(await ask(places)).toMatchObject({changed: false})
    await putVendorIndex(places.place(vendor), 'two', ['amd64', 'riscv64'])
    const {only, changed} = await ask(places)
    expect(changed).toBe(true)
    expect(only?.platforms.map(({platform, state}) => [platform, state])).toEqual([
      ['linux/amd64', 'moved'],
      ['linux/arm64', 'gone'],
      ['linux/riscv64', 'new'],
    ])
  })

  it('differs from a directory or does not', async () => {
    const places = severalPlaces()
    await putVendor(places.place(vendor), 'one')
    const directory = await inject(places)
    const other = await makeTree({'cvmfs/file': 'other'})
    const compared = async (tree: string) => {
      const content = () => updateRequest({reference: image, directory: tree, dryRun: true})
      return ask(places, {content})
    }
    expect(await compared(directory)).toMatchObject({changed: false, only: {differs: false}})
    expect(await compared(other)).toMatchObject({changed: true, only: {differs: true}})
  })

  it('tells what refers to the images of before and now, once they differ', async () => {
    const places = severalPlaces()
    const {digest: from} = await putVendor(places.place(vendor), 'one')
    await inject(places)
    await putVendor(places.place(vendor), 'two')
    const signature = `sha256-${from.slice('sha256:'.length)}.sig`
    await putVendor(places.place(vendor), 'signature', {tag: signature})
    const {only} = await ask(places)
    expect(only?.referrers).toEqual([
      {of: 'vendor before', subject: from, kinds: ['a signature by cosign']},
    ])
  })

  it('of which the state cannot be told does not keep others from being told', async () => {
    const places = severalPlaces()
    const {digest} = await putVendor(places.place(vendor), 'one')
    await inject(places)
    const unknown = parseReference('registry.example/old/app:data')
    const reference = parseReference(`${vendor}@${digest}`)
    const directory = await makeTree({'cvmfs/file': 'content'})
    await update(updateRequest({reference, to: unknown, directory}), places)
    const missing = parseReference('registry.example/none/app:data')
    const images = [unknown, missing, image]
    const result = await status({images}, places)
    expect(result.images.map(({error}) => error?.code)).toEqual([
      'ERR_INJECT_ORIGIN_UNKNOWN',
      'ERR_INJECT_IMAGE_NOT_FOUND',
      undefined,
    ])
    expect(result.failure).toBeDefined()
    const base = parseReference(`${vendor}:v1`)
    expect(await status({images: [unknown], base}, places)).toMatchObject({
      changed: false,
      failure: undefined,
    })
  })

  it.each(['oci:/etc', '127.0.0.1:6379/a:v1', 'localhost/a', '169.254.169.254/a:v1', 'a b'])(
    'that says it comes from %s is not looked for there',
    async (name) => {
      const places = severalPlaces()
      await putVendor(places.place('registry.example/team/app'), 'one', {
        tag: 'data',
        labels: {'dev.inject.base': `sha256:${'0'.repeat(64)}`, 'dev.inject.base.name': name},
      })
      const {only} = await ask(places)
      expect(only?.error?.code).toBe('ERR_INJECT_ORIGIN_UNKNOWN')
    },
  )
})

it('an image that did not move costs three requests, and vendors are asked for once', async () => {
  const places = severalPlaces()
  await putVendor(places.place(vendor), 'one')
  await putVendorIndex(places.place(vendor), 'two', ['amd64', 'arm64'], {tag: 'v2'})
  const directory = await makeTree({'cvmfs/file': 'content'})
  const copies = Array.from({length: 20}, (_, at) => {
    const name = at % 2 === 0 ? 'v1' : 'v2'
    return {from: parseReference(`${vendor}:${name}`), to: parseReference(`${vendor}:data-${at}`)}
  })
  for (const {from: reference, to} of copies)
    await update(
      updateRequest({reference, tags: [to.tag ?? ''], directory, platforms: 'all'}),
      places,
    )
  let requests = 0
  const count = <Args extends unknown[], Result>(work: (...args: Args) => Result) => {
    return (...args: Args): Result => {
      requests++
      return work(...args)
    }
  }
  const counting: Places = {
    ...places,
    openStore: async (...args) => {
      const store = await places.openStore(...args)
      return {
        ...store,
        getManifest: count(store.getManifest.bind(store)),
        statManifest: count(store.statManifest.bind(store)),
        openBlob: count(store.openBlob.bind(store)),
        statBlob: count(store.statBlob.bind(store)),
      }
    },
  }
  const result = await status({images: copies.map(({to}) => to)}, counting)
  expect(result).toMatchObject({changed: false, failure: undefined})
  expect(requests).toBeLessThanOrEqual(20 * 2 + 2)
})
