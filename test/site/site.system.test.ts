import {execa} from 'execa'
import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, inject, it, onTestFinished} from 'vitest'
import {createSiteBlobs} from '../../src/site/blobs.js'
import {commitToSite} from '../../src/site/commit.js'
import {apacheConfiguration} from '../../src/site/apache.js'
import {headersFile} from '../../src/site/headers.js'
import {nginxConfiguration} from '../../src/site/nginx.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf} from '../../src/oci/digest.js'
import {dockerManifest, ociConfig, ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {checkPublishedSite} from '../../src/operations/site/check-site.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {verified} from '../../src/stream/verify.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {bytesSource} from '../support/layout-image.js'
import {putIndex} from '../support/layout-index.js'
import {rejectionOf} from '../support/root-fixtures.js'
import {
  ageSite,
  expectServed,
  expectSound,
  publishFrom,
  putIndexOver,
  putText,
  quiet,
  removed,
  siteTree,
  sweep,
  unpublish,
} from '../support/site.js'
import {tempDir} from '../support/temp-dir.js'

const textOf = (path: string): Promise<string> => readFile(path, 'utf8')

async function newSite() {
  return {site: join(await tempDir(), 'site'), store: createMemoryStore()}
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

/** What a publisher leaves who is killed before his first manifest. */
async function begin(site: string, name: string, text: string) {
  const content = Buffer.from(text)
  const expected = {digest: digestOf(content), size: content.length}
  await createSiteBlobs(site, name).putBlob(bytesSource(content), {expected})
  return expected.digest
}

const appIn = (site: string): string => join(site, 'v2/team/app')

describe('publish', () => {
  it('makes a tree in which every path of the API is a file', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'layer', {tag: 'v1'})
    const result = await publishFrom(store, site, {tags: ['v1', 'stable']})
    expect(result).toMatchObject({
      reference: `${site}/team/app@${image.digest}`,
      tags: ['v1', 'stable'],
      moved: ['v1', 'stable'],
      blobs: {copied: 2},
    })
    expect(await textOf(join(site, 'v2/index.html'))).toBe('{}')
    expect(await textOf(join(site, 'v2/_catalog'))).toBe('{"repositories":["team/app"]}')
    const app = appIn(site)
    expect(await textOf(join(app, 'tags/list'))).toBe('{"name":"team/app","tags":["stable","v1"]}')
    for (const reference of ['v1', 'stable', image.digest])
      expect(digestOf(await readFile(join(app, 'manifests', reference)))).toBe(image.digest)
    expect(await readFile(join(app, 'blobs', digestOf(Buffer.from('layer'))), 'utf8')).toBe('layer')
    await expectSound(site)
    const before = await siteTree(site)
    const again = await publishFrom(store, site, {tags: ['v1', 'stable']})
    expect(again).toMatchObject({moved: [], blobs: {copied: 0, present: 2}})
    expect(await siteTree(site)).toEqual(before)
  })

  it('takes an index with all that it lists, nested indexes and attestations too, or the platforms that are chosen', async () => {
    const {site, store} = await newSite()
    const platforms = ['linux/amd64', 'linux/arm64/v8']
    await putIndex(store, {platforms, attestations: true, nested: ['linux/arm/v7']})
    const {manifests} = await publishFrom(store, site)
    expect(manifests).toBe(7)
    await expectSound(site)
    const one = await publishFrom(store, site, {
      name: 'one',
      platforms: [{os: 'linux', architecture: 'amd64'}],
    })
    expect(one).toMatchObject({manifests: 1, platforms: ['linux/amd64']})
    await expectSound(site)
  })

  it('takes Docker images and lists, under their media types', async () => {
    const {site, store} = await newSite()
    const platforms = ['linux/amd64', 'linux/arm64/v8']
    const entries = await putIndex(store, {family: 'docker', platforms})
    await publishFrom(store, site)
    await expectSound(site)
    const all = join(appIn(site), 'manifests/.all')
    expect(await textOf(join(all, 'v1/location'))).toMatch(
      /^sha256:[0-9a-f]{64}\/manifest\.docker-list$/,
    )
    expect(await readdir(join(all, entries[0]!.digest))).toContain('manifest.docker-manifest')
  })

  it('takes names of any number of parts, also where a part is called as a folder here is', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    const names = [
      'a',
      'a/b/c/d/e/f',
      'a/blobs',
      'a/blobs/manifests',
      'a/manifests',
      'a/manifests/x',
      'a/tags',
      'manifests/tags/blobs',
      'blobs',
    ]
    for (const name of names) await publishFrom(store, site, {name})
    const listed = JSON.parse(await textOf(join(site, 'v2/_catalog'))) as object
    expect(listed).toEqual({repositories: [...names].sort()})
    await expectSound(site)
  })

  it.each([
    ['a/manifests/x', 'a', 'x'],
    ['a/tags/list', 'a', 'v1'],
  ])('refuses what would be where %s is, and the other way around', async (longer, name, tag) => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site, {name: longer})
    const taken = {code: 'ERR_INJECT_SITE_NAME_TAKEN'}
    await expect(publishFrom(store, site, {name, tags: [tag]})).rejects.toMatchObject(taken)
    await expectSound(site)
    const other = join(await tempDir(), 'site')
    await publishFrom(store, other, {name, tags: [tag]})
    await expect(publishFrom(store, other, {name: longer})).rejects.toMatchObject(taken)
    await expect(publishFrom(store, other, {name: 'index.html/x'})).rejects.toMatchObject(taken)
    await expectSound(other)
  })

  it('lists what refers to an image, as it is asked for', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'layer', {tag: 'v1'})
    const members = {subject: image, artifactType: 'application/x', annotations: {a: 'b'}}
    const signature = await putText(store, 'signature', {members})
    const list = await putIndexOver(store, [{...signature}], `sha256-${image.digest.slice(7)}`)
    expect(list).toBeDefined()
    const {referrers, manifests} = await publishFrom(store, site, {referrers: true})
    expect([referrers, manifests]).toEqual([1, 2])
    const path = join(appIn(site), 'referrers', image.digest)
    const {mediaType, digest, size} = signature
    expect(JSON.parse(await textOf(path))).toEqual({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [{mediaType, digest, size, artifactType: 'application/x', annotations: {a: 'b'}}],
    })
    await expectSound(site)
  })

  it('makes the tags of cosign where there are none, and leaves those that are something else', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'layer', {tag: 'v1'})
    const tag = `sha256-${image.digest.slice(7)}.sig`
    await putText(store, 'signature', {tag})
    await publishFrom(store, site, {referrers: true})
    const first = await readlink(join(appIn(site), 'manifests/.all', tag))
    await putText(store, 'another signature', {tag})
    const warnings: string[] = []
    await publishFrom(store, site, {referrers: true}, (message) => warnings.push(message))
    expect(await readlink(join(appIn(site), 'manifests/.all', tag))).toBe(first)
    expect(warnings.join()).toContain('is something else: it stays so')
    await expectSound(site)
  })

  it('writes the set-up of the servers once, always the same, with nothing of an image in it', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1', members: {annotations: {x: '"}\nevil'}}})
    await publishFrom(store, site)
    const files = {
      'nginx.conf': nginxConfiguration,
      'apache.conf': apacheConfiguration,
      _headers: headersFile,
    }
    for (const [name, text] of Object.entries(files))
      expect(await textOf(join(site, name))).toBe(text)
    await writeFile(join(site, 'nginx.conf'), 'mine')
    await publishFrom(store, site, {name: 'other'})
    expect(await textOf(join(site, 'nginx.conf'))).toBe('mine')
  })

  it('makes files 0644 and folders 0755, whatever the umask says', async () => {
    const {site, store} = await newSite()
    await putIndex(store, {platforms: ['linux/amd64']})
    const before = process.umask(0o077)
    onTestFinished(() => void process.umask(before))
    await publishFrom(store, site, {name: 'a/b/c'})
    await publishFrom(store, site, {name: 'd'})
    process.umask(before)
    for (const entry of await readdir(site, {recursive: true, withFileTypes: true})) {
      const path = join(entry.parentPath, entry.name)
      if (path.includes('.inject-site') || entry.isSymbolicLink()) continue
      const mode = (await lstat(path)).mode & 0o777
      expect(mode.toString(8), path).toBe(entry.isDirectory() ? '755' : '644')
    }
  })

  it('keeps a blob that several names have once', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site)
    const second = await publishFrom(store, site, {name: 'other'})
    expect(second.blobs).toMatchObject({copied: 0, mounted: 2, bytes: 0})
    const digest = digestOf(Buffer.from('layer'))
    const [one, other] = await Promise.all(
      ['team/app', 'other'].map((name) => lstat(join(site, 'v2', name, 'blobs', digest))),
    )
    expect(one!.ino).toBe(other!.ino)
  })

  it('says what it is missing, and refuses a folder that is something else', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    await expect(publishFrom(store, site, {name: undefined})).rejects.toMatchObject({
      code: 'ERR_INJECT_SITE_NAME_NEEDED',
    })
    await mkdir(site)
    await writeFile(join(site, 'notes'), '')
    await expect(publishFrom(store, site)).rejects.toMatchObject({
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    })
    expect(await readdir(site)).toEqual(['notes'])
    await rm(join(site, 'notes'))
    await publishFrom(store, site)
    await expectSound(site)
  })

  it('refuses a site inside a site, wherever in it', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site)
    const before = await siteTree(site)
    for (const inner of ['inner', 'v2', 'v2/team', 'v2/a/b', '../site/inner'])
      await expect(publishFrom(store, join(site, inner)), inner).rejects.toMatchObject({
        code: 'ERR_INJECT_SITE_IN_SITE',
      })
    expect(await siteTree(site)).toEqual(before)
  })

  it.each(['127.0.0.1:5000/team/app', 'registry.example:443', '[::1]:5000/a', 'docker://a/b'])(
    'takes %s for the address that it is',
    async (site) => {
      await expect(publishFrom(createMemoryStore(), site)).rejects.toMatchObject({
        code: 'ERR_INJECT_NOT_A_SITE',
        hint: expect.stringContaining('inject copy') as string,
      })
    },
  )

  it('survives many publishers at once: every tag is in the list, every name in the catalog', async () => {
    const {site, store} = await newSite()
    await Promise.all(
      Array.from({length: 8}, (_, at) => putText(store, `layer ${at}`, {tag: `v${at}`})),
    )
    await Promise.all(
      Array.from({length: 16}, (_, at) =>
        publishFrom(store, site, {from: `v${at % 8}`, name: at < 8 ? 'same' : `own/${at}`}),
      ),
    )
    const {tags} = JSON.parse(await textOf(join(site, 'v2/same/tags/list'))) as {tags: string[]}
    expect(tags).toHaveLength(8)
    const catalog = JSON.parse(await textOf(join(site, 'v2/_catalog'))) as {repositories: string[]}
    expect(catalog.repositories).toHaveLength(9)
    await expectSound(site)
  })
})

describe('unpublish', () => {
  async function twoTags() {
    const {site, store} = await newSite()
    await putText(store, 'one', {tag: 'v1'})
    await putText(store, 'two', {tag: 'v2'})
    await publishFrom(store, site, {from: 'v1'})
    await publishFrom(store, site, {from: 'v2'})
    return {site, store, app: appIn(site)}
  }

  it('removes a tag and what it alone used; a dry run says the same and removes nothing', async () => {
    const {site, app} = await twoTags()
    const before = await siteTree(site)
    const plan = await unpublish(`${site}/team/app:v1`, {dryRun: true})
    expect(await siteTree(site)).toEqual(before)
    const done = await unpublish(`${site}/team/app:v1`)
    expect({...done, dryRun: true}).toEqual(plan)
    expect(removed(done)).toEqual({manifests: 1, blobs: 2})
    expect(done.bytes).toBeGreaterThan(100)
    expect(await textOf(join(app, 'tags/list'))).toBe('{"name":"team/app","tags":["v2"]}')
    expect(await isThere(join(app, 'blobs', digestOf(Buffer.from('one'))))).toBe(false)
    await expectSound(site)
  })

  it('removes the repository with its last manifest, and leaves longer names', async () => {
    const {site, store} = await newSite()
    await putText(store, 'one', {tag: 'v1'})
    await publishFrom(store, site, {name: 'a'})
    await publishFrom(store, site, {name: 'a/b/c'})
    await unpublish(`${site}/a/b/c:v1`)
    expect(await textOf(join(site, 'v2/_catalog'))).toBe('{"repositories":["a"]}')
    expect(await isThere(join(site, 'v2/a/b'))).toBe(false)
    await expectSound(site)
    await publishFrom(store, site, {name: 'a/b/c'})
    const last = await unpublish(`${site}/a:v1`)
    // the other name has the same content
    expect(last.bytes).toBe(0)
    expect((await readdir(join(site, 'v2/a'))).sort()).toEqual(['b'])
    await expectSound(site)
    expect((await unpublish(`${site}/a/b/c:v1`)).bytes).toBeGreaterThan(0)
    expect((await readdir(join(site, 'v2'))).sort()).toEqual(['_catalog', '_errors', 'index.html'])
    const pool = await readdir(join(site, '.inject-site/pool/sha256'))
    expect(pool).toEqual([])
  })

  it('leaves what an index, a referrer or another tag names, and what has no tag', async () => {
    const {site, store} = await newSite()
    const child = await putText(store, 'child', {tag: 'child'})
    await putIndexOver(store, [child], 'all')
    const members = {subject: child}
    const signature = await putText(store, 'signature', {members})
    await putIndexOver(store, [signature], `sha256-${child.digest.slice(7)}`)
    await publishFrom(store, site, {from: 'child', referrers: true})
    await publishFrom(store, site, {from: 'all'})
    const other = await putText(store, 'moved on', {tag: 'moving'})
    await publishFrom(store, site, {from: 'moving'})
    await putText(store, 'moved on again', {tag: 'moving'})
    await publishFrom(store, site, {from: 'moving'})
    expect(removed(await unpublish(`${site}/team/app:child`))).toEqual({manifests: 0, blobs: 0})
    expect(await isThere(join(appIn(site), 'manifests', other.digest))).toBe(true)
    await expectSound(site)
    // with the index goes its child, and with that what refers to it
    expect(removed(await unpublish(`${site}/team/app:all`))).toEqual({manifests: 3, blobs: 4})
    expect(await readdir(join(appIn(site), 'referrers'))).toEqual([])
    expect(await isThere(join(appIn(site), 'manifests', other.digest))).toBe(true)
    await expectSound(site)
    expect(removed(await unpublish(`${site}/team/app`, {untagged: true}))).toEqual({
      manifests: 1,
      blobs: 2,
    })
    await expectSound(site)
  })

  it('leaves what was published within the grace period', async () => {
    const {site} = await twoTags()
    const first = await unpublish(`${site}/team/app:v1`, {graceMs: 3_600_000})
    expect(removed(first)).toEqual({manifests: 0, blobs: 0})
    // its config and layer; those of v2
    expect(first.kept).toEqual({referenced: 2, leased: 2})
    await expectSound(site)
    await ageSite(site)
    const second = await unpublish(`${site}/team/app`, {untagged: true, graceMs: 3_600_000})
    expect(removed(second)).toEqual({manifests: 1, blobs: 2})
    await expectSound(site)
  })

  it('v2 x1 removes what a publisher left that was killed before its first manifest; check says that it is there, and finds nothing wrong', async () => {
    const {site} = await twoTags()
    const digest = await begin(site, 'begun', 'of nobody')
    await begin(site, 'team/app', 'of nobody')
    await begin(site, 'team/app', 'of nobody else')
    const {sound, unused} = await checkPublishedSite(site, quiet)
    expect(sound).toBe(true)
    expect(unused).toEqual([
      {name: 'begun', blobs: 1, bytes: 0},
      {name: 'team/app', blobs: 2, bytes: 'of nobodyof nobody else'.length},
    ])
    // perhaps he is at work
    const early = await unpublish(`${site}/begun`, {untagged: true, graceMs: 3_600_000})
    expect([early.blobs, early.kept]).toEqual([[], {referenced: 0, leased: 1}])
    await ageSite(site)
    const plan = await unpublish(`${site}/begun`, {untagged: true, dryRun: true})
    const done = await unpublish(`${site}/begun`, {untagged: true, graceMs: 3_600_000})
    expect({...done, dryRun: true}).toEqual(plan)
    // the other repository has it, too
    expect([done.blobs, done.bytes]).toEqual([[digest], 0])
    await expectSound(site)
    // its folders are younger than that
    expect(await isThere(join(site, 'v2/begun/blobs'))).toBe(true)
    await unpublish(`${site}/begun`, {untagged: true})
    expect(await isThere(join(site, 'v2/begun'))).toBe(false)
    const again = await rejectionOf(unpublish(`${site}/begun`, {untagged: true}))
    expect(again.code).toBe('ERR_INJECT_IMAGE_NOT_FOUND')
    const rest = await sweep(site, {graceMs: 3_600_000})
    expect(rest.repositories.map(removed)).toEqual([{manifests: 0, blobs: 2}])
    expect((await checkPublishedSite(site, quiet)).unused).toEqual([])
    await expectSound(site)
  })

  it('goes through a whole site: what no tag leads to, in every name, and what has no name at all; a dry run says the same', async () => {
    const {site, store} = await twoTags()
    await putText(store, 'three', {tag: 'v2'})
    await publishFrom(store, site, {from: 'v2'})
    await publishFrom(store, site, {from: 'v2', name: 'a/b'})
    const one = await begin(site, 'begun', 'of nobody')
    const two = await begin(site, 'a/begun', 'of nobody')
    const lost = await begin(site, 'gone', 'lost')
    await rm(join(site, 'v2/gone'), {recursive: true})
    await mkdir(join(site, 'v2/a/nothing/came/blobs'), {recursive: true})
    const before = await siteTree(site)
    expect((await checkPublishedSite(site, quiet)).unused.at(-1)).toEqual({
      name: null,
      blobs: 1,
      bytes: 4,
    })
    const plan = await sweep(site, {dryRun: true})
    expect(await siteTree(site)).toEqual(before)
    const done = await sweep(site)
    expect({...done, dryRun: true}).toEqual(plan)
    expect(done.repositories.map(({name, blobs}) => [name, blobs.length])).toEqual([
      ['a/b', 0],
      ['a/begun', 1],
      ['begun', 1],
      ['team/app', 2],
    ])
    expect([done.repositories[1]!.blobs, done.repositories[2]!.blobs]).toEqual([[two], [one]])
    expect(done.pool).toEqual([lost])
    expect(done.bytes).toBeGreaterThan('of nobodylosttwo'.length)
    const sum = done.repositories.reduce((bytes, each) => bytes + each.bytes, 4)
    expect(done.bytes).toBe(sum)
    expect((await readdir(join(site, 'v2/a'))).sort()).toEqual(['b'])
    await expectSound(site)
    expect((await sweep(site)).bytes).toBe(0)
    const refused = await rejectionOf(unpublish(site))
    expect(refused.code).toBe('ERR_INJECT_NO_TAG')
  })

  it('sweeps a site whose maker was killed before it had anything in it', async () => {
    const {site} = await newSite()
    await mkdir(join(site, '.inject-site'), {recursive: true})
    expect(await sweep(site)).toMatchObject({repositories: [], pool: [], bytes: 0})
    await expectSound(site)
  })

  it('takes no folder from a publisher that is writing its first blob, whatever the grace', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'first', {tag: 'v1'})
    const opened: string[] = []
    const open: ContentStore['openBlob'] = async (blob, call) => {
      opened.push(blob.digest)
      const stream = await store.openBlob(blob, call)
      if (opened.length > 1) return stream
      return (async function* () {
        yield* stream
        await sweep(site)
        await unpublish(`${site}/team/app`, {untagged: true})
      })()
    }
    await publishFrom({...store, openBlob: open}, site)
    // not fetched again because its folder went
    expect(opened.filter((digest) => digest === opened[0])).toHaveLength(1)
    expect(digestOf(await readFile(join(appIn(site), 'manifests/v1')))).toBe(image.digest)
    await expectSound(site)
  })

  it('a tag that a killed unpublish took half away is not listed again', async () => {
    const {site, store} = await twoTags()
    await rm(join(appIn(site), 'manifests/v2'))
    await publishFrom(store, site, {from: 'v1', tags: ['v3']})
    await expectServed(site)
    expect(await textOf(join(appIn(site), 'tags/list'))).toContain('["v1","v3"]')
    await expectSound(site)
  })

  it('says so where there is no such tag, name or site', async () => {
    const {site} = await twoTags()
    const rows = [
      [`${site}/team/app:v3`, 'ERR_INJECT_IMAGE_NOT_FOUND'],
      [`${site}/team/none:v1`, 'ERR_INJECT_IMAGE_NOT_FOUND'],
      [`${site}/team`, 'ERR_INJECT_NO_TAG'],
      [`${site}/team/app`, 'ERR_INJECT_NO_TAG'],
      [`${site}/team/app@${digestOf(Buffer.from('x'))}`, 'ERR_INJECT_SITE_TARGET_INVALID'],
      [`${site}/team/APP:v1`, 'ERR_INJECT_REPOSITORY_NAME_INVALID'],
      [`${site}:v1`, 'ERR_INJECT_SITE_TARGET_INVALID'],
      [`${site}x/team/app:v1`, 'ERR_INJECT_SITE_NOT_FOUND'],
      [`${site}/../../app:v1`, 'ERR_INJECT_NOT_A_SITE'],
    ]
    for (const [target, code] of rows)
      expect((await rejectionOf(unpublish(target!))).code, target).toBe(code)
    await expectSound(site)
  })

  it('takes the outermost of two sites that could be meant', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    const inner = join(site, 'team')
    await publishFrom(store, inner, {name: 'app'})
    // what an early version let happen
    const parts = join(site, '../parts')
    await publishFrom(store, parts)
    for (const part of await readdir(parts)) await rename(join(parts, part), join(site, part))
    expect(await unpublish(`${site}/team/app:v1`)).toMatchObject({site, name: 'team/app'})
    await expectSound(inner)
  })

  it('does not take from a publisher what it has just put there, whatever the grace', async () => {
    const {site, store} = await newSite()
    await putText(store, 'old', {tag: 'old'})
    const image = await putText(store, 'new', {tag: 'new'})
    await publishFrom(store, site, {from: 'old'})
    // between the blobs of a publisher and his manifest comes one who grants no grace
    let removals = 0
    const open: ContentStore['openBlob'] = async (blob, call) => {
      const stream = await store.openBlob(blob, call)
      return (async function* () {
        yield* stream
        if (removals++ < 2) await unpublish(`${site}/team/app`, {untagged: true})
      })()
    }
    await publishFrom({...store, openBlob: open}, site, {from: 'new'})
    expect(removals).toBeGreaterThanOrEqual(2)
    expect(digestOf(await readFile(join(appIn(site), 'manifests/new')))).toBe(image.digest)
    await expectSound(site)
  })
})

describe('check', () => {
  const check = (site: string) =>
    checkPublishedSite(site, {report: () => undefined, signal: new AbortController().signal})

  it('finds what is corrupt, missing, of another size, or not listed; publishing again puts it right', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site)
    expect((await check(site)).sound).toBe(true)
    const app = appIn(site)
    const blob = join(app, 'blobs', digestOf(Buffer.from('layer')))
    const manifest = join(app, 'manifests/.all', image.digest, 'manifest.oci-manifest')
    const list = join(app, 'tags/list')
    const damages: [string, () => Promise<unknown>][] = [
      ['corrupt', () => writeFile(blob, 'LAYER')],
      ['of another size', () => writeFile(blob, 'short')],
      ['missing', () => rm(blob)],
      ['corrupt', () => writeFile(manifest, '{}')],
      ['is not the list', () => writeFile(list, '{}')],
      ['is not the list', () => rm(join(site, 'v2/_catalog'))],
      ['leads elsewhere', () => rm(join(app, 'manifests/v1'))],
      ['leads nowhere', () => symlink('.all/x/manifest', join(app, 'manifests/x'))],
    ]
    for (const [what, damage] of damages.slice(0, -1)) {
      await damage()
      const report = await check(site)
      expect(report.sound, what).toBe(false)
      if (what !== 'of another size') expect(JSON.stringify(report), what).toContain(what)
      await publishFrom(store, site)
      await expectSound(site, `after ${what}`)
    }
    await damages.at(-1)![1]()
    expect(JSON.stringify(await check(site))).toContain('leads nowhere')
  })
})

describe('what the older exporter did wrong', () => {
  it('3.4-1 a blob has its name only when it is whole; what a crash left is not trusted, and a good one is not touched', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    const blob = join(appIn(site), 'blobs', digestOf(Buffer.from('layer')))
    const failing: ContentStore['openBlob'] = (blob, call) =>
      blob.size === 5
        ? Promise.resolve(
            (async function* () {
              yield Buffer.from('lay')
              await Promise.reject(new Error('gone'))
            })(),
          )
        : store.openBlob(blob, call)
    await expect(publishFrom({...store, openBlob: failing}, site)).rejects.toThrow('gone')
    expect(await isThere(blob)).toBe(false)
    await mkdir(join(appIn(site), 'blobs'), {recursive: true})
    await writeFile(blob, 'lay')
    await publishFrom(store, site)
    expect(await textOf(blob)).toBe('layer')
    const {ino} = await lstat(blob)
    await publishFrom({...store, openBlob: failing}, site)
    expect((await lstat(blob)).ino).toBe(ino)
    await expectSound(site)
  })

  it('3.4-2 a stream that ends early, or gives an empty chunk, is not a blob', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    const chunks =
      (...texts: string[]): ContentStore['openBlob'] =>
      (blob, call) =>
        blob.size === 5
          ? Promise.resolve(
              verified(
                (async function* () {
                  for (const text of texts) yield await Promise.resolve(Buffer.from(text))
                })(),
                blob,
                'the layer',
              ),
            )
          : store.openBlob(blob, call)
    await expect(publishFrom({...store, openBlob: chunks('lay')}, site)).rejects.toMatchObject({
      code: 'ERR_INJECT_SIZE_MISMATCH',
    })
    expect(await isThere(join(site, 'v2/_catalog'))).toBe(false)
    await publishFrom({...store, openBlob: chunks('lay', '', 'er')}, site)
    await expectSound(site)
  })

  it('3.4-3 3.4-8 content of another digest is refused, the config too, and no manifest is written for it', async () => {
    for (const isLied of [(size: number) => size === 5, (size: number) => size > 5]) {
      const {site, store} = await newSite()
      const image = await putText(store, 'layer', {tag: 'v1'})
      const lying: ContentStore['openBlob'] = (blob, call) =>
        isLied(blob.size)
          ? Promise.resolve(
              verified(
                (async function* () {
                  yield await Promise.resolve(Buffer.alloc(blob.size, 'x'))
                })(),
                blob,
                'the layer',
              ),
            )
          : store.openBlob(blob, call)
      await expect(publishFrom({...store, openBlob: lying}, site)).rejects.toMatchObject({
        code: 'ERR_INJECT_DIGEST_MISMATCH',
      })
      expect(await isThere(join(appIn(site), 'manifests', image.digest))).toBe(false)
    }
  })

  it('3.4-4 a full disk is an error, nothing is half published, and no temporary file is left', async () => {
    const disk = await mountTmpfs('size=1m')
    if (disk === undefined) return
    const site = join(disk, 'site')
    const store = createMemoryStore()
    await putText(store, 'small', {tag: 'v1'})
    await publishFrom(store, site)
    const before = await siteTree(site)
    await putText(store, 'x'.repeat(2_000_000), {tag: 'v2'})
    const error = await rejectionOf(publishFrom(store, site, {from: 'v2'}))
    expect(error.message).toContain('ENOSPC')
    const after = await siteTree(site)
    for (const path of Object.keys(before)) expect(after[path], path).toBe(before[path])
    const extra = Object.keys(after).filter((path) => !(path in before))
    expect(extra.filter((path) => !path.includes('/blobs/sha256:'))).toEqual([])
    await expectSound(site)
    // and where there is no room for a manifest
    const free = (await execa('df', ['--output=avail', '-k', disk])).stdout.split('\n')[1]!.trim()
    await writeFile(join(disk, 'filler'), Buffer.alloc((Number(free) - 8) * 1024))
    await putText(store, 'tiny', {tag: 'v3'})
    expect(
      (await rejectionOf(publishFrom(store, site, {from: 'v3', name: 'new/name'}))).message,
    ).toContain('ENOSPC')
    await rm(join(disk, 'filler'))
    await expectServed(site)
    await publishFrom(store, site, {from: 'v3', name: 'new/name'})
    await expectSound(site)
  })

  it.each([
    '../../etc/x',
    '/etc/x',
    'a//b',
    'a/../b',
    'a@sha256:abc',
    'A',
    '',
    'a/',
    `${'a/'.repeat(128)}a`,
  ])('3.4-5 %s is not a name, and nothing is written', async (name) => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    await expect(publishFrom(store, site, {name})).rejects.toMatchObject({
      code: 'ERR_INJECT_REPOSITORY_NAME_INVALID',
    })
    expect(await isThere(site)).toBe(false)
  })

  it('3.4-6 blobs are called by their digests, however they are compressed', async () => {
    const {site, store} = await newSite()
    await putIndex(store, {platforms: ['linux/amd64'], family: 'docker'})
    await publishFrom(store, site)
    for (const name of await readdir(join(appIn(site), 'blobs')))
      expect(name).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('3.4-7 a blob of another name is linked only when it is right; where there are no more links it is copied', async () => {
    const [site, store] = [join(await tempDir(inject('disk')), 'site'), createMemoryStore()]
    await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site)
    const digest = digestOf(Buffer.from('layer'))
    await writeFile(join(appIn(site), 'blobs', digest), 'LAYER')
    await publishFrom(store, site, {name: 'other'})
    expect(await textOf(join(site, 'v2/other/blobs', digest))).toBe('layer')
    await publishFrom(store, site)
    await expectSound(site)
    const pooled = join(site, '.inject-site/pool/sha256', digest.slice(7))
    const aside = await tempDirOn(site)
    let links = 0
    try {
      for (; links < 70_000; links++) await link(pooled, join(aside, String(links)))
    } catch {
      // as many as the file system allows
    }
    const third = await publishFrom(store, site, {name: 'third'})
    expect(third.blobs.copied).toBe(0)
    await expectSound(site)
    await rm(aside, {recursive: true})
  }, 120_000)

  it('3.4-8 a web server that is another user can read everything, whatever the umask', async () => {
    const {site, store} = await newSite()
    await putText(store, 'layer', {tag: 'v1'})
    const before = process.umask(0o077)
    onTestFinished(() => void process.umask(before))
    await publishFrom(store, site, {name: 'a/b/c'})
    const {mode} = await lstat(join(site, 'v2/a/b'))
    expect((mode & 0o777).toString(8)).toBe('755')
  })

  it('3.4-9 the catalog comes after the manifests; a tag is never without a target, its link is relative, and the tree can be moved', async () => {
    const {site, store} = await newSite()
    await putText(store, 'one', {tag: 'v1'})
    await publishFrom(store, site)
    const path = join(appIn(site), 'manifests/v1')
    const watching = new AbortController()
    let looks = 0
    const watch = (async () => {
      while (!watching.signal.aborted) {
        JSON.parse(await textOf(path))
        looks++
      }
    })()
    for (let at = 0; at < 20; at++) {
      await putText(store, `number ${at}`, {tag: 'v1'})
      await publishFrom(store, site)
    }
    watching.abort()
    await watch
    expect(looks).toBeGreaterThan(20)
    for (const [name, content] of Object.entries(await siteTree(site)))
      expect(content, name).not.toMatch(/^-> \//)
    const moved = `${site}-moved`
    await rename(site, moved)
    await expectSound(moved)
    // one that leads nowhere is put right
    await rm(join(appIn(moved), 'manifests/.all/v1'))
    await symlink(digestOf(Buffer.from('nothing')), join(appIn(moved), 'manifests/.all/v1'))
    await publishFrom(store, moved)
    await expectSound(moved)
  })

  it.each([
    'application/vnd.oci.image.manifest.v1+json\nX-Evil: 1',
    'text/html',
    'application/x"; evil on;',
  ])(
    '3.4-10 a manifest that calls itself %j comes neither into a name nor into the set-up',
    async (mediaType) => {
      const {site, store} = await newSite()
      const manifest = Buffer.from(
        JSON.stringify({...(await documentOf(store, 'layer')), mediaType}),
      )
      await store.putManifest(manifest, mediaType, {tags: [{tag: 'v1', from: undefined}]})
      const error = await rejectionOf(publishFrom(store, site))
      expect(error.code).toBe('ERR_INJECT_MANIFEST_UNKNOWN')
      expect(error.message).not.toContain('\n')
      expect(await isThere(site)).toBe(false)
    },
  )

  it('3.4-11 tags are sorted bytewise, the list is replaced at once, and names of any depth are in the catalog', async () => {
    const {site, store} = await newSite()
    await putText(store, 'one', {tag: 'v1'})
    await publishFrom(store, site, {name: 'a/b/c/d/e', tags: ['b', 'B', 'a.10', 'a.9', '_']})
    const {tags} = JSON.parse(await textOf(join(site, 'v2/a/b/c/d/e/tags/list'))) as {
      tags: string[]
    }
    expect(tags).toEqual(['B', '_', 'a.10', 'a.9', 'b'])
    const {ino} = await lstat(join(site, 'v2/a/b/c/d/e/tags/list'))
    await publishFrom(store, site, {name: 'a/b/c/d/e', tags: ['c']})
    expect((await lstat(join(site, 'v2/a/b/c/d/e/tags/list'))).ino).not.toBe(ino)
    await publishFrom(store, site, {name: 'ubuntu'})
    const catalog = JSON.parse(await textOf(join(site, 'v2/_catalog'))) as object
    expect(catalog).toEqual({repositories: ['a/b/c/d/e', 'ubuntu']})
  })

  it('3.4-12 a tag whose link is spelled in another way still holds its manifest', async () => {
    const {site, store} = await newSite()
    const kept = await putText(store, 'kept', {tag: 'kept'})
    await putText(store, 'other', {tag: 'other'})
    await publishFrom(store, site, {from: 'kept'})
    await publishFrom(store, site, {from: 'other'})
    const all = join(appIn(site), 'manifests/.all')
    for (const target of [`./${kept.digest}`, join(all, kept.digest)]) {
      await rm(join(all, 'kept'))
      await symlink(target, join(all, 'kept'))
      const {problems} = await unpublish(`${site}/team/app`, {untagged: true})
      expect(problems).toEqual([])
      expect(await isThere(join(all, kept.digest, 'manifest.oci-manifest'))).toBe(true)
    }
    // one that cannot be understood holds everything
    await rm(join(all, 'kept'))
    await symlink('elsewhere', join(all, 'kept'))
    const warnings: string[] = []
    const result = await unpublish(`${site}/team/app:other`, {untagged: true}, (each) =>
      warnings.push(each),
    )
    expect(removed(result)).toEqual({manifests: 0, blobs: 0})
    expect(warnings.join()).toContain('the tag kept leads nowhere: nothing is collected')
  })

  it('3.4-13 a manifest that cannot be read stops the collection, not the removal of the tag', async () => {
    const {site, store} = await newSite()
    const one = await putText(store, 'one', {tag: 'v1'})
    await putText(store, 'two', {tag: 'v2'})
    await publishFrom(store, site, {from: 'v1'})
    await publishFrom(store, site, {from: 'v2'})
    const path = join(appIn(site), 'manifests/.all', one.digest, 'manifest.oci-manifest')
    await chmod(path, 0o644)
    await writeFile(path, '{"schemaVersion":2,"fsLayers":[{"blobSum":1}]}')
    const result = await unpublish(`${site}/team/app:v2`)
    expect(removed(result)).toEqual({manifests: 0, blobs: 0})
    expect(result.problems.join()).toContain('cannot be read')
    const list = JSON.parse(await textOf(join(appIn(site), 'tags/list'))) as {tags: string[]}
    expect(list.tags).toEqual(['v1'])
  })

  it('3.4-14 children of an index and manifests by digest stay, and so do the blobs of a publication that is under way', async () => {
    const {site, store} = await newSite()
    const child = await putText(store, 'child', {tag: 'child'})
    await putIndexOver(store, [child], 'all')
    await putText(store, 'gone', {tag: 'gone'})
    await publishFrom(store, site, {from: 'all'})
    await publishFrom(store, site, {from: 'gone'})
    const target = createSiteBlobs(site, 'team/app')
    const coming = Buffer.from('coming')
    const expected = {digest: digestOf(coming), size: coming.length}
    await target.putBlob(bytesSource(coming), {expected})
    await unpublish(`${site}/team/app:gone`, {untagged: true, graceMs: 60_000})
    expect(await isThere(join(appIn(site), 'blobs', expected.digest))).toBe(true)
    // without grace it goes, and the publisher is told before anything names it
    await unpublish(`${site}/team/app`, {untagged: true})
    const committed = await commitToSite(
      site,
      {
        name: 'team/app',
        manifests: [],
        blobs: [expected],
        tags: [{tag: 'coming', digest: child.digest}],
      },
      {},
    )
    expect(committed.missing).toEqual([expected])
    expect(await isThere(join(appIn(site), 'manifests/coming'))).toBe(false)
    expect(await isThere(join(appIn(site), 'manifests', child.digest))).toBe(true)
    await expectSound(site)
  })

  it('3.4-15 a manifest without a config digest is refused, and two blobs never share a name', async () => {
    const {site, store} = await newSite()
    const {layers} = await documentOf(store, 'layer')
    for (const config of [undefined, {}, {mediaType: ociConfig, size: 2}]) {
      const bytes = Buffer.from(
        JSON.stringify({schemaVersion: 2, mediaType: ociManifest, config, layers}),
      )
      await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
      expect((await rejectionOf(publishFrom(store, site))).code).toBe('ERR_INJECT_MANIFEST_INVALID')
    }
    expect(await isThere(site)).toBe(false)
  })

  it('3.4-16 a manifest is at most 4 MiB, and its JSON not deeper than what a reader can stand', async () => {
    const {site, store} = await newSite()
    const document = await documentOf(store, 'layer')
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
    const text = JSON.stringify({...document, deep: 0}).replace('"deep":0', `"deep":${deep}`)
    await store.putManifest(Buffer.from(text), ociManifest, {
      tags: [{tag: 'deep', from: undefined}],
    })
    await expect(publishFrom(store, site, {from: 'deep'})).rejects.toThrow()
    const large = Buffer.from(JSON.stringify({...document, x: 'x'.repeat(4 * 1024 * 1024)}))
    const stored = {
      bytes: large,
      descriptor: {mediaType: ociManifest, digest: digestOf(large), size: large.length},
    }
    const error = await rejectionOf(
      publishFrom({...store, getManifest: () => Promise.resolve(stored)}, site),
    )
    expect(error.code).toBe('ERR_INJECT_DOCUMENT_TOO_LARGE')
    expect(await isThere(site)).toBe(false)
  })
})

describe('hostile images', () => {
  it('layers whose sizes lie are refused, and nothing is published', async () => {
    const {site, store} = await newSite()
    for (const size of [4, 6, 1_000_000_000]) {
      const document = await documentOf(store, 'layer')
      const layers = [{...document.layers[0]!, size}]
      const bytes = Buffer.from(JSON.stringify({...document, layers}))
      await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
      expect((await rejectionOf(publishFrom(store, site))).code).toBe('ERR_INJECT_SIZE_MISMATCH')
    }
    expect(await isThere(join(site, 'v2/_catalog'))).toBe(false)
    expect(await isThere(join(appIn(site), 'manifests/v1'))).toBe(false)
  })

  it('a manifest of 10,000 layers is published, each blob once', async () => {
    const {site, store} = await newSite()
    const document = await documentOf(store, 'layer 0')
    const few: Descriptor[] = []
    for (let at = 0; at < 50; at++) few.push((await documentOf(store, `layer ${at}`)).layers[0]!)
    const layers = Array.from({length: 10_000}, (_, at) => few[at % few.length])
    const bytes = Buffer.from(JSON.stringify({...document, layers}))
    await store.putManifest(bytes, ociManifest, {tags: [{tag: 'v1', from: undefined}]})
    expect((await publishFrom(store, site)).blobs.copied).toBe(51)
    await expectSound(site)
  })

  it('a document that two readers could take for different things is refused', async () => {
    const {site, store} = await newSite()
    const document = {...(await documentOf(store, 'layer')), manifests: []}
    await store.putManifest(Buffer.from(JSON.stringify(document)), ociManifest, {
      tags: [{tag: 'v1', from: undefined}],
    })
    expect((await rejectionOf(publishFrom(store, site))).code).toBe('ERR_INJECT_AMBIGUOUS_DOCUMENT')
    expect(await isThere(site)).toBe(false)
  })

  it('a link in place of a blob, list or manifest is not followed', async () => {
    const {site, store} = await newSite()
    const image = await putText(store, 'layer', {tag: 'v1'})
    await publishFrom(store, site)
    const outside = join(await tempDir(), 'outside')
    await writeFile(outside, 'mine')
    const app = appIn(site)
    for (const path of [
      join(app, 'blobs', digestOf(Buffer.from('layer'))),
      join(app, 'tags/list'),
      join(app, 'manifests/.all', image.digest, 'manifest.oci-manifest'),
      join(app, 'manifests/.all', image.digest, 'location'),
    ]) {
      await rm(path)
      await symlink(outside, path)
      await publishFrom(store, site).catch(() => undefined)
      expect(await textOf(outside), path).toBe('mine')
      await rm(path, {force: true})
      await publishFrom(store, site)
      await expectSound(site, path)
    }
  })

  it('an OCI 1.0 manifest without a media type gets the one it was served as; Docker keeps its own', async () => {
    const {site, store} = await newSite()
    const {mediaType, ...document} = await documentOf(store, 'layer')
    expect(mediaType).toBe(ociManifest)
    await store.putManifest(Buffer.from(JSON.stringify(document)), ociManifest, {
      tags: [{tag: 'v1', from: undefined}],
    })
    await publishFrom(store, site)
    const docker = Buffer.from(JSON.stringify({...document, mediaType: dockerManifest}))
    await store.putManifest(docker, 'application/json', {tags: [{tag: 'v2', from: undefined}]})
    await publishFrom(store, site, {from: 'v2'})
    const all = join(appIn(site), 'manifests/.all')
    expect(await textOf(join(all, 'v1/location'))).toContain('/manifest.oci-manifest')
    expect(await textOf(join(all, 'v2/location'))).toContain('/manifest.docker-manifest')
  })
})

interface Document {
  readonly mediaType: string
  readonly layers: readonly Descriptor[]
}

/** A manifest as a value, its parts stored. */
async function documentOf(store: ContentStore, text: string): Promise<Document> {
  const {digest} = await putText(store, text)
  const stored = await store.getManifest(digest)
  return JSON.parse(Buffer.from(stored!.bytes).toString()) as Document
}

/** A folder on the file system of the site. */
async function tempDirOn(site: string): Promise<string> {
  const folder = join(site, '.inject-site/aside')
  await mkdir(folder)
  return folder
}
