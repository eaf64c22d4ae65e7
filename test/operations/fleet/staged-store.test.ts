import {expect, it} from 'vitest'
import {createStagedStore, stepTag} from '../../../src/operations/fleet/staged-store.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {streamOf} from '../../../src/stream/bytes.js'
import {putImage, smallLayer} from '../../support/put-image.js'

async function start(isTrusting = true) {
  const real = createMemoryStore()
  const image = await putImage(real, {layers: [smallLayer('one')]})
  const calls: string[] = []
  const counted: ContentStore = {
    ...real,
    getManifest(reference, call) {
      calls.push('getManifest')
      return real.getManifest(reference, call)
    },
    statManifest(reference, call) {
      calls.push('statManifest')
      return real.statManifest(reference, call)
    },
    putManifest(bytes, mediaType, options) {
      calls.push('putManifest')
      return real.putManifest(bytes, mediaType, options)
    },
    statBlob(digest, call) {
      calls.push('statBlob')
      return real.statBlob(digest, call)
    },
    putBlob(source, options) {
      calls.push('putBlob')
      return real.putBlob(source, options)
    },
  }
  const staged = createStagedStore(counted, {dryRun: false, isTrusting})
  return {real, image, calls, staged}
}

it('what a tag names is asked once: a later move of it is not seen', async () => {
  const {real, image, staged} = await start()
  expect(await staged.statManifest('v1')).toBe(image.digest)
  await putImage(real, {layers: [smallLayer('two')]})
  expect(await staged.statManifest('v1')).toBe(image.digest)
})

it('documents and tags that are put stay in it', async () => {
  const {real, staged, calls} = await start()
  const config = Buffer.from('{}')
  const expected = {digest: digestOf(config), size: config.length}
  await staged.putBlob({open: () => streamOf(config)}, {expected})
  const bytes = Buffer.from('{"schemaVersion":2}')
  const tags = [{tag: stepTag(1), from: 'absent'}] as const
  const {digest} = await staged.putManifest(bytes, ociManifest, {tags})
  expect(await staged.statManifest(stepTag(1))).toBe(digest)
  expect((await staged.getManifest(stepTag(1)))?.bytes).toEqual(bytes)
  expect(await staged.statBlob(expected.digest)).toEqual(expected)
  expect(staged.staged(digest)).toBeDefined()
  expect(calls).toEqual([])
  expect(await real.statManifest(digest)).toBeUndefined()
  expect(await real.statBlob(expected.digest)).toBeUndefined()
})

it('a tag for a step is never asked for', async () => {
  const {staged, calls} = await start()
  expect(await staged.statManifest(stepTag(7))).toBeUndefined()
  expect(await staged.getManifest(stepTag(7))).toBeUndefined()
  expect(calls).toEqual([])
})

it.each([
  ['taken to be there', true, 0],
  ['asked for when nothing is taken for granted', false, 1],
])('the blobs of a manifest are %s', async (_, isTrusting, asked) => {
  const {staged, calls} = await start(isTrusting)
  const stored = await staged.getManifest('v1')
  const {layers} = JSON.parse(Buffer.from(stored?.bytes ?? []).toString()) as {
    layers: readonly [{digest: never; size: number}]
  }
  const [{digest, size}] = layers
  expect(await staged.statBlob(digest)).toEqual({digest, size})
  expect(calls.filter((call) => call === 'statBlob')).toHaveLength(asked)
})
