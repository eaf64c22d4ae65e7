import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {mkdir, rm, truncate, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {decodeLayoutIndex} from '../../../src/store/layout/index-json.js'
import {layoutPaths} from '../../../src/store/layout/paths.js'
import {rootPaths} from '../../../src/store/layout/root-paths.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {checkStore} from '../../../src/store/check/check-store.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import {
  manifestOver,
  openTestRoot,
  pushBlob,
  pushImage,
  pushIndex,
} from '../../support/root-fixtures.js'

/** Two tags, an index of a child, an untagged manifest, and a blob that only looks like one. */
async function start(name = 'team/app') {
  const root = await openTestRoot()
  const repository = await root.createRepository(name)
  const one = await pushImage(repository, 'v1', {layers: ['one']})
  const child = await pushImage(repository, undefined, {layers: ['child']})
  const index = await pushIndex(repository, 'multi', [child])
  const untagged = await pushImage(repository, undefined, {layers: ['untagged']})
  await pushBlob(repository, '{"schemaVersion":2,"layers":"no"}')
  const directory = rootPaths.repository(root.directory, name)
  const path = layoutPaths.index(directory)
  const listed = () =>
    decodeLayoutIndex(readFileSync(path), 'index.json').entries.map(({digest, tag}) => [
      digest,
      tag,
    ])
  const check = async (rebuild: boolean) => (await checkStore(root, {rebuild})).repositories
  return {root, repository, directory, path, listed, check, name, one, child, index, untagged}
}

const copyOf = ({root, directory}: Awaited<ReturnType<typeof start>>) =>
  rootPaths.indexCopy(root.directory, directory)

describe('W15 a repository whose index.json is damaged', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['is emptied by a power cut', (path) => truncate(path, 0)],
    ['is cut in the middle', (path) => truncate(path, 100)],
    ['is gone', (path) => rm(path)],
    ['is something else', (path) => writeFile(path, '[]')],
    ['is zeros', (path) => writeFile(path, Buffer.alloc(300))],
  ])('%s: it is as it was after the repair', async (_, damage) => {
    const place = await start()
    const before = place.listed()
    await damage(place.path)
    expect((await place.check(false))[0]?.faults).toHaveLength(1)
    await expect(place.repository.getManifest('v1')).rejects.toMatchObject({
      code: expect.stringMatching(/LAYOUT_INVALID|JSON/) as string,
      hint: expect.stringContaining('inject store check ROOT --repair') as string,
    })
    const [report] = await place.check(true)
    expect(report).toMatchObject({faults: [], corrupt: []})
    expect(report?.rebuilt).toMatchObject({manifests: 4, tags: ['v1', 'multi']})
    expect(Date.parse(report?.rebuilt?.copied ?? '')).toBeGreaterThan(0)
    expect(report?.images.every(({status}) => status === 'ok')).toBe(true)
    expect(place.listed()).toEqual(before)
    expect((await place.repository.getManifest('v1'))?.descriptor.digest).toBe(place.one)
    expect((await place.check(true))[0]).not.toHaveProperty('rebuilt')
  })

  it.each(['is gone', 'is damaged'])('and so is its copy, which %s', async (how) => {
    const place = await start()
    await truncate(place.path, 0)
    if (how === 'is gone') await rm(copyOf(place))
    else await truncate(copyOf(place), 10)
    const [report] = await place.check(true)
    // the child is found by its index
    expect(report?.rebuilt).toEqual({manifests: 3, tags: []})
    expect(report?.faults).toEqual([])
    const digests = place.listed().map(([digest]) => digest)
    expect(digests).toEqual([place.one, place.index, place.untagged].sort())
    expect((await place.repository.getManifest(place.child))?.descriptor.digest).toBe(place.child)
  })

  it('what the copy has not seen is listed without a tag, and damaged manifests are not', async () => {
    const place = await start()
    const old = readFileSync(copyOf(place))
    const late = await pushImage(place.repository, 'late', {layers: ['late']})
    await writeFile(copyOf(place), old)
    const bad = await pushBlob(place.repository, manifestOver({layers: ['bad']}))
    await writeFile(layoutPaths.blob(place.directory, bad), manifestOver({layers: ['x']}))
    await truncate(place.path, 0)
    await place.check(true)
    expect(place.listed()).toContainEqual([late, undefined])
    expect(place.listed()).not.toContainEqual([bad, undefined])
  })

  it('the damaged file is kept to look at', async () => {
    const place = await start()
    await writeFile(place.path, 'what was left')
    await place.check(true)
    const folder = rootPaths.quarantine(place.root.directory)
    const [name] = readdirSync(folder)
    expect(readFileSync(join(folder, name!), 'utf8')).toBe('what was left')
  })

  it('a tag that was pushed, moved or deleted last is as it was then', async () => {
    const place = await start('a')
    await place.repository.putManifest(manifestOver({layers: ['one']}), ociManifest, {
      tags: [{tag: 'multi', from: undefined}],
    })
    await place.repository.deleteTag('v1')
    await truncate(place.path, 0)
    await place.check(true)
    expect(await place.repository.getManifest('v1')).toBeUndefined()
    expect((await place.repository.getManifest('multi'))?.descriptor.digest).toBe(place.one)
  })

  it('a tag that was pushed past the server, to oci:, is in the copy, too', async () => {
    const place = await start('a')
    const store = await openLayoutStore(place.directory)
    const bytes = manifestOver({layers: ['one']})
    await store.putManifest(bytes, ociManifest, {tags: [{tag: 'local', from: undefined}]})
    await truncate(place.path, 0)
    await place.check(true)
    expect(place.listed().map(([, tag]) => tag)).toContain('local')
  })
})

describe('W15 a repository whose oci-layout is damaged', () => {
  it.each<[string, (path: string) => Promise<void>]>([
    ['is gone', (path) => rm(path)],
    ['is empty', (path) => truncate(path, 0)],
    ['is something else', (path) => writeFile(path, '7')],
  ])('%s: it is served again after the repair', async (_, damage) => {
    const place = await start()
    await damage(layoutPaths.marker(place.directory))
    const [report] = await place.check(true)
    expect(report).toMatchObject({name: 'team/app', faults: []})
    expect(report?.rebuilt).toMatchObject({manifests: 4, tags: ['v1', 'multi']})
    expect((await place.repository.getManifest('v1'))?.descriptor.digest).toBe(place.one)
  })

  it('both are', async () => {
    const place = await start()
    await rm(layoutPaths.marker(place.directory))
    await truncate(place.path, 0)
    const [report] = await place.check(true)
    expect(report).toMatchObject({faults: [], rebuilt: {tags: ['v1', 'multi']}})
  })

  it('one of another version stays, and is a fault', async () => {
    const place = await start()
    const marker = layoutPaths.marker(place.directory)
    await writeFile(marker, '{"imageLayoutVersion":"2.0.0"}')
    const [report] = await place.check(true)
    expect(report?.faults.join()).toContain('2.0.0')
    expect(readFileSync(marker, 'utf8')).toContain('2.0.0')
  })
})

it('W15 a folder that holds nothing is not made a repository', async () => {
  const place = await start()
  await mkdir(join(place.root.directory, 'other', 'blobs'), {recursive: true})
  await place.check(true)
  expect(existsSync(join(place.root.directory, 'other', 'oci-layout'))).toBe(false)
})

it('W15 a copy that cannot be kept does not stand in the way of a push', async () => {
  const place = await start()
  await rm(join(rootPaths.own(place.root.directory), 'index'), {recursive: true})
  await writeFile(join(rootPaths.own(place.root.directory), 'index'), '')
  const digest = await pushImage(place.repository, 'v9', {layers: ['nine']})
  expect((await place.repository.getManifest('v9'))?.descriptor.digest).toBe(digest)
})
