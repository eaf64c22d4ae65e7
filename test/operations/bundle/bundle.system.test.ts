import {readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {formatReference, parseReference} from '../../../src/oci/names/reference.js'
import type {Digest} from '../../../src/oci/digest.js'
import {checkRoot} from '../../../src/operations/maintain/check-store.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {bundlePorts, haveOf, loadInto, putLayers, saveTo} from '../../support/bundles.js'
import {putIndex} from '../../support/layout-index.js'
import {openRegistry} from '../../support/open-registry.js'
import {openRootAt} from '../../support/root-fixtures.js'
import {serveRegistry} from '../../support/served-registry.js'
import {tempDir} from '../../support/temp-dir.js'

const app = 'team/app'

/** A registry with `team/app:v1` and, of one more layer, `team/app:v2`. */
async function twoVersions() {
  const {address} = await serveRegistry()
  const {store} = openRegistry(address, {repository: app})
  await putLayers(store, ['base', 'libraries', 'one:10'], 'v1')
  await putLayers(store, ['base', 'libraries', 'two:10'], 'v2')
  const folder = await tempDir()
  const file = (name: string): string => join(folder, name)
  return {address, store, folder, file, image: (tag: string) => `${address}/${app}:${tag}`}
}

/** The other side: a text for TO, and the digest that a tag of `team/app` has there. */
interface OtherSide {
  readonly to: string
  readonly digestOf: (source: string) => Promise<Digest | undefined>
}

const sides: readonly (readonly [string, () => Promise<OtherSide>])[] = [
  [
    'a registry',
    async () => {
      const {address} = await serveRegistry()
      return {
        to: `${address}/mirror`,
        digestOf: (source) => {
          const {tag = ''} = parseReference(source)
          return openRegistry(address, {repository: `mirror/${app}`}).store.statManifest(tag)
        },
      }
    },
  ],
  [
    'a served root',
    async () => {
      const to = join(await tempDir(), 'root')
      return {
        to,
        digestOf: async (source) => {
          const {tag = ''} = parseReference(source)
          const root = await openRootAt(to, {shared: true})
          return (await root.openRepository(app))?.statManifest(tag)
        },
      }
    },
  ],
  [
    'a layout',
    async () => {
      const directory = join(await tempDir(), 'layout')
      return {
        to: `oci:${directory}`,
        digestOf: async (source) =>
          (await openLayoutStore(directory)).statManifest(formatReference(parseReference(source))),
      }
    },
  ],
]

it.each(sides)('brings images, and then what changed, to %s', async (_, makeSide) => {
  const {image, file, store} = await twoVersions()
  const {to, digestOf} = await makeSide()
  const first = await saveTo(file('1.tar'), [image('v1')])
  const second = await saveTo(file('2.tar'), [image('v2')], {since: file('1.tar')})
  expect(second.links).toEqual([{kind: 'bundle', id: first.bundle, name: '1.tar'}])
  expect(second.needed).toEqual({blobs: 2, bytes: 200_000})
  expect(statSync(file('2.tar')).size).toBeLessThan(15_000)

  const receipt = await loadInto(to, file('1.tar'))
  expect(receipt.bundle).toBe(first.bundle)
  expect(receipt.blobs).toMatchObject({copied: 4, present: 0})
  const {images, blobs} = await loadInto(to, file('2.tar'))
  expect(blobs).toMatchObject({copied: 2, present: 2})
  expect(images.map(({moved}) => moved.map(({from}) => from))).toEqual([[null]])
  expect(await digestOf(image('v1'))).toBe(await store.statManifest('v1'))
  expect(await digestOf(image('v2'))).toBe(await store.statManifest('v2'))

  const again = await loadInto(to, file('2.tar'))
  expect(again.images.flatMap(({moved}) => moved)).toEqual([])
  expect(again.blobs).toMatchObject({copied: 0, bytes: 0})
})

it.each(sides)('leaves out what have lists of %s', async (_, makeSide) => {
  const {image, file, folder, store} = await twoVersions()
  const {to, digestOf} = await makeSide()
  await loadInto(to, (await saveTo(file('1.tar'), [image('v1')])).file ?? '')
  const have = await haveOf(to, folder)
  expect(statSync(have).size).toBeLessThan(1000)
  const {needed} = await saveTo(file('2.tar'), [image('v2')], {have})
  expect(needed.blobs).toBe(2)
  await loadInto(to, file('2.tar'))
  expect(await digestOf(image('v2'))).toBe(await store.statManifest('v2'))
})

it.each(sides)('refuses a missing link, names it, and leaves %s', async (_, makeSide) => {
  const {image, file} = await twoVersions()
  const {to, digestOf} = await makeSide()
  const {bundle} = await saveTo(file('monday.tar'), [image('v1')])
  await saveTo(file('tuesday.tar'), [image('v2')], {since: file('monday.tar')})
  const failing = loadInto(to, file('tuesday.tar'))
  await expect(failing).rejects.toMatchObject({
    code: 'ERR_INJECT_BUNDLE_LINK_MISSING',
    expected: bundle,
    hint: 'load that bundle first',
  })
  await expect(failing).rejects.toThrow('2 blobs (200000 bytes)')
  await expect(failing).rejects.toThrow(`the bundle "monday.tar" (${bundle}) brings them`)
  expect(await digestOf(image('v2'))).toBeUndefined()
})

it('names the earliest missing link of a chain, also for what the one between does not use', async () => {
  const {address, store, image, file} = await twoVersions()
  const other = openRegistry(address, {repository: 'team/tool'}).store
  await putLayers(other, ['other'], 'v1')
  const first = await saveTo(file('1.tar'), [image('v1')])
  const second = await saveTo(file('2.tar'), [`${address}/team/tool:v1`], {since: file('1.tar')})
  await putLayers(store, ['base', 'libraries', 'other', 'three:10'], 'v3')
  const third = await saveTo(file('3.tar'), [image('v3')], {since: file('2.tar')})
  expect(third.needed).toEqual({blobs: 3, bytes: 300_000})
  expect(third.links.map(({id}) => id)).toEqual([first.bundle, second.bundle])

  const to = join(await tempDir(), 'root')
  const load = (name: string) => loadInto(to, file(name))
  await expect(load('3.tar')).rejects.toMatchObject({expected: first.bundle})
  await load('1.tar')
  await expect(load('3.tar')).rejects.toMatchObject({expected: second.bundle})
  await load('2.tar')
  // a layer of team/tool is linked into team/app
  expect((await load('3.tar')).blobs).toMatchObject({copied: 2, mounted: 1, present: 2})
  expect((await checkRoot({root: to}, bundlePorts)).sound).toBe(true)
})

/** The second bundle has an image of another repository, without the layer that both have. */
async function bundlesOfTwoRepositories() {
  const versions = await twoVersions()
  const {address, image, file} = versions
  const other = openRegistry(address, {repository: 'team/tool'}).store
  await putLayers(other, ['base', 'tool'], 'v1')
  await saveTo(file('1.tar'), [image('v1')])
  await saveTo(file('2.tar'), [`${address}/team/tool:v1`], {since: file('1.tar')})
  return {...versions, other, side: await serveRegistry()}
}

it('mounts in a registry what another repository there has', async () => {
  const {file, other, side} = await bundlesOfTwoRepositories()
  await loadInto(side.address, file('1.tar'))
  const {blobs} = await loadInto(side.address, file('2.tar'))
  expect(blobs).toMatchObject({copied: 2, mounted: 1, present: 0})
  const loaded = openRegistry(side.address, {repository: 'team/tool'}).store
  expect(await loaded.statManifest('v1')).toBe(await other.statManifest('v1'))
})

it('takes nothing from other repositories if it must not', async () => {
  const {image, file, side} = await bundlesOfTwoRepositories()
  await saveTo(file('3.tar'), [image('v2')], {since: file('1.tar')})
  const load = (name: string) => loadInto(side.address, file(name), {mounts: false})
  await load('1.tar')
  await expect(load('2.tar')).rejects.toMatchObject({
    code: 'ERR_INJECT_BUNDLE_LINK_MISSING',
    message: expect.stringContaining('--no-mount') as string,
    hint: expect.stringMatching(/^load that bundle first; .* leave out --no-mount/) as string,
  })
  const loaded = openRegistry(side.address, {repository: 'team/tool'}).store
  expect(await loaded.statManifest('v1')).toBeUndefined()
  expect((await load('3.tar')).blobs).toMatchObject({copied: 2, present: 2})
})

it('moves no tag when a blob of the bundle is damaged', async () => {
  const {image, file} = await twoVersions()
  const [, makeSide] = sides[1]!
  const {to, digestOf} = await makeSide()
  await saveTo(file('1.tar'), [image('v1'), image('v2')])
  const bytes = readFileSync(file('1.tar'))
  bytes[bytes.indexOf('two:10two')]! ^= 1
  writeFileSync(file('1.tar'), bytes)
  await expect(loadInto(to, file('1.tar'))).rejects.toMatchObject({
    code: 'ERR_INJECT_DIGEST_MISMATCH',
  })
  expect(await digestOf(image('v1'))).toBeUndefined()
  expect(await digestOf(image('v2'))).toBeUndefined()
})

it('refuses a bundle whose list of images was changed', async () => {
  const {image, file} = await twoVersions()
  await saveTo(file('1.tar'), [image('v1')])
  const bytes = readFileSync(file('1.tar'))
  bytes.write('v9"', bytes.lastIndexOf('v1"'))
  writeFileSync(file('1.tar'), bytes)
  const to = join(await tempDir(), 'root')
  await expect(loadInto(to, file('1.tar'))).rejects.toMatchObject({
    code: 'ERR_INJECT_IMAGE_BUNDLE_INVALID',
  })
})

it('changes nothing in a dry run, and counts what would come', async () => {
  const {image, file} = await twoVersions()
  for (const [, makeSide] of sides.filter(([name]) => name !== 'a served root')) {
    const {to} = await makeSide()
    await saveTo(file('1.tar'), [image('v1')])
    const {blobs, images} = await loadInto(to, file('1.tar'), {dryRun: true})
    expect(blobs).toMatchObject({copied: 4, present: 0})
    expect(images.map(({tags}) => tags)).toHaveLength(1)
    const real = await loadInto(to, file('1.tar'))
    expect(real.blobs).toEqual(blobs)
  }
})

it('takes an index whole, and needs a repository for an image that has only a tag', async () => {
  const folder = await tempDir()
  const layout = join(folder, 'layout')
  const source: ContentStore = await openLayoutStore(layout, {create: true})
  await putIndex(source, {platforms: ['linux/amd64', 'linux/arm64'], attestations: true})
  const file = join(folder, 'index.tar')
  const to = join(folder, 'root')
  await saveTo(file, [`oci:${layout}`])
  await expect(loadInto(to, file)).rejects.toMatchObject({code: 'ERR_INJECT_BUNDLE_UNNAMED'})
  const names = [{repository: 'registry.example/team/index', tag: 'v1'}]
  const {images} = await saveTo(file, [`oci:${layout}`], {names: [...names]})
  expect((await loadInto(to, file)).images.map(({reference}) => reference)).toEqual([
    `${to}/team/index@${images[0]?.digest}`,
  ])
  const report = await checkRoot({root: to}, bundlePorts)
  expect(report.sound).toBe(true)
  expect(report.repositories.flatMap((each) => each.images.map(({tags}) => tags))).toContainEqual([
    'v1',
  ])
})

it('gives the same bytes for the same images and the same other side', async () => {
  const {image, file} = await twoVersions()
  await saveTo(file('1.tar'), [image('v1')])
  for (const name of ['2.tar', '3.tar'])
    await saveTo(file(name), [image('v2')], {since: file('1.tar')})
  expect(readFileSync(file('2.tar')).equals(readFileSync(file('3.tar')))).toBe(true)
})
