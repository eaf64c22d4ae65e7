import {existsSync, readFileSync} from 'node:fs'
import {rm, symlink, truncate, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {digestOf, type Digest} from '../../../src/oci/digest.js'
import {checkStore} from '../../../src/store/check/check-store.js'
import type {BlobSource} from '../../../src/store/content-store.js'
import {layoutPaths} from '../../../src/store/layout/paths.js'
import type {Repository, RepositoryRoot} from '../../../src/store/repository.js'
import {
  bytesOf,
  manifestOver,
  openTestRoot,
  pushBlob,
  pushImage,
  pushIndex,
  textIn,
} from '../../support/root-fixtures.js'
import {bytesSource} from '../../support/layout-image.js'

const layer = digestOf(bytesOf('layer'))

async function rootWithImage(): Promise<{
  root: RepositoryRoot
  a: Repository
  image: Digest
  pathOf: (digest: Digest) => string
}> {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const image = await pushImage(a, 'v1', {layers: ['layer']})
  return {root, a, image, pathOf: (digest) => layoutPaths.blob(join(root.directory, 'a'), digest)}
}

it('a sound root: every image is ok, every file is read once', async () => {
  const {root, image} = await rootWithImage()
  const b = await root.createRepository('b')
  await b.mountBlob(layer, 'a')
  const report = await checkStore(root)
  expect(report.files).toBe(3)
  expect(report.repositories).toEqual([
    {
      name: 'a',
      faults: [],
      images: [{digest: image, tags: ['v1'], status: 'ok', faults: [], missing: []}],
      corrupt: [],
      repaired: [],
    },
    {name: 'b', faults: [], images: [], corrupt: [], repaired: []},
  ])
})

const damages: [string, (path: string) => Promise<void>, string, boolean][] = [
  ['S3 a truncated layer', (path) => truncate(path, 2), 'corrupt', true],
  ['S4 a flipped layer', (path) => writeFile(path, 'laXer'), 'corrupt', true],
  ['a missing layer', (path) => rm(path), 'missing', false],
  [
    'S6 a link in place of a layer',
    async (path) => (await rm(path), symlink('/etc/passwd', path)),
    'corrupt',
    false,
  ],
]
for (const [title, damage, word, isCorrupt] of damages)
  it(`${title} affects the images that name it, also by an index`, async () => {
    const {root, a, image, pathOf} = await rootWithImage()
    const index = await pushIndex(a, 'multi', [image])
    const fine = await pushImage(a, 'other', {layers: ['other']})
    await damage(pathOf(layer))
    const {repositories} = await checkStore(root)
    const status = Object.fromEntries(
      repositories[0]?.images.map((each) => [each.digest, each.status]) ?? [],
    )
    expect(status).toEqual({[image]: 'affected', [index]: 'affected', [fine]: 'ok'})
    expect(repositories[0]?.images[0]?.faults).toEqual([`${layer} is ${word}`])
    expect(repositories[0]?.corrupt).toEqual(isCorrupt ? [layer] : [])
    expect(repositories[0]?.repaired).toEqual([])
  })

it('S1 S5 S7 faults of the layout itself are told, and nothing is changed', async () => {
  const {root} = await rootWithImage()
  const directory = join(root.directory, 'a')
  await writeFile(layoutPaths.index(directory), '')
  await writeFile(layoutPaths.marker(directory), '{"imageLayoutVersion":"2.0.0"}')
  await writeFile(join(directory, 'blobs', 'sha256', 'readme.txt'), '')
  const [report] = (await checkStore(root)).repositories
  expect(report?.faults).toHaveLength(3)
  expect(report?.faults.join('\n')).toMatch(/2\.0\.0.*\n.*index\.json.*\n.*readme\.txt/)
  expect(readFileSync(layoutPaths.index(directory), 'utf8')).toBe('')
})

it('a descriptor that gives a wrong size is a fault', async () => {
  const {root, a} = await rootWithImage()
  const text = new TextDecoder()
    .decode(manifestOver({layers: ['layer']}))
    .replace('"size":5', '"size":6')
  await a.putManifest(bytesOf(text), 'application/vnd.oci.image.manifest.v1+json', {
    tags: [{tag: 'v2', from: 'absent'}],
  })
  const images = (await checkStore(root)).repositories[0]?.images
  expect(images?.[1]?.faults).toEqual([`${layer} is of another size than its descriptor says`])
})

it('repairs what is corrupt or missing, manifests first, and takes no other bytes for it', async () => {
  const {root, a, image, pathOf} = await rootWithImage()
  const unfindable = await pushBlob(a, 'nowhere else')
  await writeFile(pathOf(image), '{}')
  await rm(pathOf(layer))
  await writeFile(pathOf(unfindable), 'x')
  const elsewhere = new Map<string, BlobSource>([
    [image, bytesSource(manifestOver({layers: ['layer']}))],
    [layer, bytesSource(bytesOf('layer'))],
  ])
  const lying = await checkStore(root, {
    repair: () => Promise.resolve(bytesSource(bytesOf('lies'))),
  })
  expect(lying.repositories[0]).toMatchObject({repaired: [], images: [{status: 'affected'}]})
  expect(existsSync(pathOf(layer))).toBe(false)
  const report = await checkStore(root, {
    repair: (digest) => Promise.resolve(elsewhere.get(digest)),
  })
  expect(report.repositories[0]?.images).toMatchObject([{status: 'ok'}])
  expect(new Set(report.repositories[0]?.repaired)).toEqual(new Set([image, layer]))
  expect(await textIn(await a.openBlob({digest: layer, size: 5}))).toBe('layer')
  expect((await a.getManifest('v1'))?.bytes).toEqual(manifestOver({layers: ['layer']}))
})

it('S4 takes no more bytes than a descriptor says, and keeps the corrupt file until there is better', async () => {
  const {root, pathOf} = await rootWithImage()
  await writeFile(pathOf(layer), 'laXer')
  let given = 0
  const endless: BlobSource = {
    async *open() {
      for (; given < 1000; given++) yield await Promise.resolve(new Uint8Array(1000))
    },
  }
  const report = await checkStore(root, {repair: () => Promise.resolve(endless)})
  expect(report.repositories[0]?.faults.join()).toMatch(/larger than 5 bytes/)
  expect(given).toBeLessThan(5)
  expect(readFileSync(pathOf(layer), 'utf8')).toBe('laXer')
  const quarantined = join(root.directory, '.inject-root', 'quarantine')
  expect(existsSync(quarantined)).toBe(false)
  await checkStore(root, {repair: () => Promise.resolve(bytesSource(bytesOf('lies!')))})
  expect(readFileSync(pathOf(layer), 'utf8')).toBe('laXer')
  await checkStore(root, {repair: () => Promise.resolve(bytesSource(bytesOf('layer')))})
  expect(readFileSync(pathOf(layer), 'utf8')).toBe('layer')
  expect(existsSync(quarantined)).toBe(true)
})

it('S1 a folder with parts of a layout and no marker is a fault', async () => {
  const {root} = await rootWithImage()
  await rm(layoutPaths.marker(join(root.directory, 'a')))
  const {repositories} = await checkStore(root)
  const broken = repositories.find(({name}) => name === 'a')
  expect(broken?.faults).toHaveLength(1)
  expect(broken?.faults[0]).toContain('no file oci-layout')
})

it('X8 beside pushes and deletions finds nothing wrong with what is whole', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  let running = true
  const pushing = (async () => {
    for (let at = 0; running; at++) {
      const digest = await pushImage(a, `v${at % 5}`, {layers: [`layer ${at}`]})
      if (at % 3 === 0) await a.deleteManifest(digest)
    }
  })()
  for (let round = 0; round < 15; round++) {
    const {repositories} = await checkStore(root)
    expect(repositories[0]?.corrupt).toEqual([])
    expect(repositories[0]?.faults).toEqual([])
    expect(repositories[0]?.images.filter(({status}) => status !== 'ok')).toEqual([])
  }
  running = false
  await pushing
})
