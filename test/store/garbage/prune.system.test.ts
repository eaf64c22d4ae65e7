import {readFileSync} from 'node:fs'
import {readdir, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {digestOf} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import {layoutPaths} from '../../../src/store/layout/paths.js'
import {planGarbage} from '../../../src/store/garbage/plan.js'
import {openLayoutStore} from '../../../src/store/layout/layout-store.js'
import {planPrune, prune, type PruneOptions} from '../../../src/store/garbage/prune.js'
import type {Repository, RepositoryRoot} from '../../../src/store/repository.js'
import {
  allOf,
  bytesOf,
  manifestOver,
  openTestRoot,
  pushImage,
  pushIndex,
} from '../../support/root-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'

const day = 86_400_000

/** As if each tag had been pushed so many days ago, and no blob used since two hours. */
async function backdate(
  root: RepositoryRoot,
  days: Readonly<Record<string, number>>,
): Promise<void> {
  const directory = join(root.directory, 'a')
  const path = layoutPaths.index(directory)
  const index = JSON.parse(readFileSync(path, 'utf8')) as {
    manifests: {annotations?: Record<string, string>}[]
  }
  for (const {annotations} of index.manifests) {
    const age = days[annotations?.['org.opencontainers.image.ref.name'] ?? '']
    if (annotations !== undefined && age !== undefined)
      annotations['dev.inject.pushed'] = new Date(Date.now() - age * day).toISOString()
  }
  await writeFile(path, JSON.stringify(index))
  const time = Date.now() / 1000 - 7200
  const blobs = join(layoutPaths.blobs(directory), 'sha256')
  for (const file of await readdir(blobs)) await utimes(join(blobs, file), time, time)
}

async function rootWithTags(): Promise<{root: RepositoryRoot; a: Repository}> {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  for (const tag of ['v1', 'v2', 'v3', 'release'])
    await pushImage(a, tag, {layers: [`layer ${tag}`]})
  await backdate(root, {v1: 90, v2: 40, v3: 5, release: 400})
  return {root, a}
}

const cases: [string, PruneOptions, string[]][] = [
  ['nothing without a rule', {}, ['release', 'v1', 'v2', 'v3']],
  ['what is older', {olderThanMs: 30 * day}, ['v3']],
  [
    'what is older, not what is named',
    {olderThanMs: 30 * day, keepTags: (tag) => tag === 'release'},
    ['release', 'v3'],
  ],
  ['what is older, never the last ones', {olderThanMs: 1 * day, keepLast: 2}, ['v2', 'v3']],
  ['all but the last ones', {keepLast: 1}, ['v3']],
  [
    'all but the last ones and what is named',
    {keepLast: 1, keepTags: (tag) => tag === 'v1'},
    ['v1', 'v3'],
  ],
]
for (const [title, options, left] of cases)
  it(`prunes ${title}`, async () => {
    const {root, a} = await rootWithTags()
    const plan = await planPrune(root, options)
    expect(await allOf(a.listTags())).toHaveLength(4)
    const result = await prune(root, plan)
    expect(result.tags).toBe(4 - left.length)
    expect(await allOf(a.listTags())).toEqual(left)
    for (const tag of ['v1', 'v2', 'v3', 'release']) {
      const digest = digestOf(bytesOf(`layer ${tag}`))
      expect((await a.statBlob(digest)) !== undefined, tag).toBe(left.includes(tag))
    }
    expect(result.manifests).toBe(4 - left.length)
  })

it('what an index that stays lists keeps its manifest and blobs when its tag goes', async () => {
  const {root, a} = await rootWithTags()
  const v1 = await a.statManifest('v1')
  if (v1 === undefined) throw new Error('v1 is missing')
  await pushIndex(a, 'multi', [v1])
  await backdate(root, {multi: 0})
  await prune(root, await planPrune(root, {olderThanMs: 30 * day}))
  expect(await allOf(a.listTags())).toEqual(['multi', 'v3'])
  expect(await a.statManifest(v1)).toBe(v1)
  expect(await a.statBlob(digestOf(bytesOf('layer v1')))).toBeDefined()
})

it('a referrer goes with its subject', async () => {
  const {root, a} = await rootWithTags()
  const subject = await a.statManifest('v1')
  const members = {subject: {mediaType: ociManifest, digest: subject, size: 1}}
  const {digest} = await a.putManifest(manifestOver({members}), ociManifest)
  await backdate(root, {})
  await prune(root, await planPrune(root, {olderThanMs: 60 * day}))
  expect(await a.statManifest(digest)).toBeUndefined()
})

it('a tag that is named after a manifest goes with it, whatever its own age', async () => {
  const {root, a} = await rootWithTags()
  const [first, third] = await Promise.all(['v1', 'v3'].map((tag) => a.statManifest(tag)))
  const tags = [first, third].map((digest) => (digest ?? '').replace(':', '-'))
  const [gone = '', kept = ''] = tags
  for (const tag of [gone, `${kept}.sig`]) await pushImage(a, tag, {layers: [`about ${tag}`]})
  await backdate(root, {[gone]: 1, [`${kept}.sig`]: 500})
  await prune(root, await planPrune(root, {olderThanMs: 30 * day}))
  expect(await allOf(a.listTags())).toEqual([`${kept}.sig`, 'v3'])
  await prune(root, await planPrune(root, {keepLast: 1}))
  expect(await allOf(a.listTags())).toEqual([`${kept}.sig`, 'v3'])
})

it('untagged manifests go when told so, not those that something refers to, nor those just used', async () => {
  const {root, a} = await rootWithTags()
  const old = await a.statManifest('v1')
  await pushImage(a, 'v1', {layers: ['new v1']})
  const child = await pushImage(a, undefined, {layers: ['child']})
  await pushIndex(a, 'multi', [child])
  const used = await pushImage(a, undefined, {layers: ['used']})
  const subject = await a.statManifest('v2')
  const members = {subject: {mediaType: ociManifest, digest: subject, size: 1}}
  const {digest: referrer} = await a.putManifest(manifestOver({members}), ociManifest)
  await backdate(root, {})
  await a.statManifest(used)
  expect((await prune(root, await planPrune(root))).manifests).toBe(0)
  await backdate(root, {})
  await a.statManifest(used)
  expect((await prune(root, await planPrune(root, {untagged: true}))).manifests).toBe(1)
  expect(await a.statManifest(old ?? '')).toBeUndefined()
  for (const digest of [child, used, referrer]) expect(await a.statManifest(digest)).toBe(digest)
})

it('a tag that was moved after the plan stays, with all that it names', async () => {
  const {root, a} = await rootWithTags()
  const plan = await planPrune(root, {olderThanMs: 30 * day})
  const digest = await pushImage(a, 'v1', {layers: ['layer v1', 'more']})
  expect(await prune(root, plan)).toMatchObject({tags: 2})
  expect(await a.statManifest('v1')).toBe(digest)
  expect(await a.statBlob(digestOf(bytesOf('layer v1')))).toBeDefined()
})

it('a tag that is pushed again is young again', async () => {
  const {root, a} = await rootWithTags()
  await pushImage(a, 'v1', {layers: ['layer v1']})
  const tags = (await planPrune(root, {olderThanMs: 30 * day})).tags.map(({tag}) => tag)
  expect(new Set(tags)).toEqual(new Set(['v2', 'release']))
})

it('a tag of unknown age stays, counts for none, and is told, whenever its manifest was read', async () => {
  const {root, a} = await rootWithTags()
  const path = layoutPaths.index(join(root.directory, 'a'))
  await writeFile(
    path,
    readFileSync(path, 'utf8').replace(/("v2"),"dev.inject.pushed":"[^"]*"/, '$1'),
  )
  // what is read is used just now, and was not pushed then
  await a.getManifest('v2')
  for (const options of [{keepLast: 1}, {olderThanMs: 1, keepLast: 1}]) {
    const plan = await planPrune(root, options)
    expect(plan.tags.map(({tag}) => tag)).toEqual(['v1', 'release'])
    expect(plan.garbage.repositories[0]?.problems).toEqual([
      'nothing says when tag "v2" came: not pruned before being pushed again or deleted',
    ])
  }
})

it('a tag that came through the layout of a repository has an age', async () => {
  const {root} = await rootWithTags()
  const directory = join(root.directory, 'a')
  const layout = await openLayoutStore(directory)
  const old = await layout.getManifest('v1')
  if (old === undefined) throw new Error('v1 is missing')
  const tags = [{tag: 'v9', from: 'absent' as const}]
  await layout.putManifest(old.bytes, ociManifest, {tags})
  const plan = await planPrune(root, {keepLast: 1})
  expect(plan.tags.map(({tag}) => tag)).toEqual(['v3', 'v2', 'v1', 'release'])
  expect(plan.garbage.repositories[0]?.problems).toEqual([])
  const foreign = await tempDir()
  const other = await openLayoutStore(foreign, {create: true})
  await other.putManifest(old.bytes, ociManifest, {tags})
  expect(readFileSync(layoutPaths.index(foreign), 'utf8')).not.toContain('dev.inject')
})

it('S1 a damaged repository stays as it is, and is told; the others are pruned and collected', async () => {
  const {root} = await rootWithTags()
  await root.createRepository('0')
  await writeFile(layoutPaths.index(join(root.directory, '0')), 'no json')
  const plan = await planPrune(root, {keepLast: 1})
  expect(plan.garbage.repositories.map(({problems}) => problems.length)).toEqual([1, 0])
  expect(plan.garbage.repositories[0]?.problems[0]).toMatch(/index\.json.*nothing is collected/)
  expect(await prune(root, plan)).toMatchObject({tags: 3})
  const {repositories} = await planGarbage(root)
  expect(repositories.map(({problems}) => problems.length)).toEqual([1, 0])
})
