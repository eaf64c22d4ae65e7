import {lstat, readdir, readFile, readlink, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {expect} from 'vitest'
import {checkSite} from '../../src/site/check.js'
import {digestOf, isDigest} from '../../src/oci/digest.js'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {ociConfig, ociIndex, ociLayer, ociManifest} from '../../src/oci/media-type.js'
import {publishSite, type PublishSiteOptions} from '../../src/operations/site/publish-site.js'
import {unpublishSite} from '../../src/operations/site/unpublish-site.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {bytesSource} from './layout-image.js'

export const quiet = {report: () => undefined, signal: new AbortController().signal}

/** Publishes what a store has under a tag, `v1` without another word, in this process. */
export function publishFrom(
  store: ContentStore,
  site: string,
  {from = 'v1', ...more}: {from?: string} & Partial<PublishSiteOptions> = {},
  warn: (message: string) => void = () => undefined,
) {
  const source = {kind: 'layout', directory: store.name, tag: from} as const
  // the store is the test's, for the next time, too
  const opened = {...store, close: () => Promise.resolve()}
  return publishSite(
    {source, site, name: 'team/app', tags: [], referrers: false, ...more},
    {
      ...quiet,
      openStore: () => Promise.resolve(opened),
      report: (event) => event.kind === 'warning' && warn(event.message),
    },
  )
}

export async function unpublish(
  target: string,
  more: {untagged?: boolean; graceMs?: number; dryRun?: boolean} = {},
  warn: (message: string) => void = () => undefined,
) {
  const result = await unpublishSite(
    {target, untagged: false, graceMs: 0, dryRun: false, ...more},
    {...quiet, report: (event) => event.kind === 'warning' && warn(event.message)},
  )
  if ('repositories' in result) throw new Error(`${target} is a whole site`)
  return result
}

/** Removes from all of a site what no tag leads to. */
export async function sweep(site: string, more: {graceMs?: number; dryRun?: boolean} = {}) {
  const result = await unpublishSite(
    {target: site, untagged: true, graceMs: 0, dryRun: false, ...more},
    quiet,
  )
  if (!('repositories' in result)) throw new Error(`${site} is one repository`)
  return result
}

/** Puts an image of one layer with this text into a store; `tag` none: by digest only. */
export async function putText(
  store: ContentStore,
  text: string,
  {tag, members = {}}: {tag?: string; members?: object} = {},
): Promise<Descriptor> {
  const layer = await store.putBlob(bytesSource(Buffer.from(text)))
  const value = {
    os: 'linux',
    architecture: 'amd64',
    rootfs: {type: 'layers', diff_ids: [layer.digest]},
  }
  const config = await store.putBlob(bytesSource(Buffer.from(JSON.stringify(value))))
  const manifest = {
    schemaVersion: 2,
    mediaType: ociManifest,
    config: {mediaType: ociConfig, digest: config.digest, size: config.size},
    layers: [{mediaType: ociLayer, digest: layer.digest, size: layer.size}],
    ...members,
  }
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return store.putManifest(Buffer.from(JSON.stringify(manifest)), ociManifest, {tags})
}

/** Puts an index over these manifests into a store. */
export async function putIndexOver(
  store: ContentStore,
  manifests: readonly Descriptor[],
  tag?: string,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify({schemaVersion: 2, mediaType: ociIndex, manifests}))
  const tags = tag === undefined ? [] : [{tag, from: undefined}]
  return store.putManifest(bytes, ociIndex, {tags})
}

/**
 * That nothing is wrong with a site, as `inject site check` sees it and as a reader who knows only
 * paths does.
 */
export async function expectSound(site: string, when = ''): Promise<void> {
  for (const {name, faults, corrupt, images} of (await checkSite(site)).repositories) {
    expect(faults, `${name} ${when}`).toEqual([])
    expect(corrupt, `${name} ${when}`).toEqual([])
    for (const image of images) expect(image.faults, `${name} ${when}`).toEqual([])
  }
  await expectServed(site, when)
}

/**
 * That anyone who follows the lists and the tags of a site finds everything, whole: from the
 * catalog to the tags, from there to manifests, from there to blobs.
 */
export async function expectServed(site: string, when = ''): Promise<void> {
  const catalog = await readFile(join(site, 'v2/_catalog'), 'utf8').catch(
    () => '{"repositories":[]}',
  )
  const {repositories} = JSON.parse(catalog) as {repositories: string[]}
  for (const name of repositories) {
    const folder = join(site, 'v2', name)
    const list = await readFile(join(folder, 'tags/list'), 'utf8')
    const {tags} = JSON.parse(list) as {tags: string[]}
    for (const tag of tags) await lstat(join(folder, 'manifests', tag))
    // also what no list names
    for (const entry of await readdir(join(folder, 'manifests')))
      if (!entry.startsWith('.')) await expectWhole(folder, entry, when)
    for (const subject of await readdir(join(folder, 'referrers')).catch(() => [])) {
      // a temporary file of one that was killed
      if (!isDigest(subject)) continue
      const text = await readFile(join(folder, 'referrers', subject), 'utf8')
      for (const {digest} of (JSON.parse(text) as {manifests: Descriptor[]}).manifests)
        await expectWhole(folder, digest, when)
    }
  }
}

async function expectWhole(folder: string, reference: string, when: string): Promise<void> {
  const path = join(folder, 'manifests', reference)
  if ((await lstat(path)).isDirectory()) return
  const bytes = await readFile(path)
  const digest = digestOf(bytes)
  if (isDigest(reference)) expect(digest, when).toBe(reference)
  const location = await readFile(join(folder, 'manifests/.all', reference, 'location'), 'utf8')
  expect(location.startsWith(`${digest}/manifest.`), `${reference} ${when}`).toBe(true)
  expect(bytes.equals(await readFile(join(folder, 'manifests/.all', location)))).toBe(true)
  expect((await readlink(path)).startsWith('/'), when).toBe(false)
  const value = JSON.parse(bytes.toString()) as {
    config?: Descriptor
    layers?: Descriptor[]
    manifests?: Descriptor[]
  }
  for (const {digest} of value.manifests ?? []) await expectWhole(folder, digest, when)
  for (const blob of [value.config, ...(value.layers ?? [])]) {
    if (blob === undefined) continue
    const content = await readFile(join(folder, 'blobs', blob.digest))
    expect(digestOf(content), `${reference} ${when}`).toBe(blob.digest)
  }
}

/** As if everything in a site had been published two hours ago. */
export async function ageSite(site: string): Promise<void> {
  const then = new Date(Date.now() - 7_200_000)
  for (const entry of await readdir(join(site, 'v2'), {recursive: true, withFileTypes: true}))
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then)
}

/** Every file and link in a site, with what it holds or where it leads. */
export async function siteTree(site: string): Promise<Record<string, string>> {
  const tree: Record<string, string> = {}
  for (const entry of await readdir(join(site, 'v2'), {recursive: true, withFileTypes: true})) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) continue
    const content = entry.isFile() ? digestOf(await readFile(path)) : `-> ${await readlink(path)}`
    tree[path.slice(site.length + 1)] = content
  }
  return tree
}

/** What a removal removed, for comparison. */
export function removed({
  manifests,
  blobs,
}: {
  manifests: readonly unknown[]
  blobs: readonly unknown[]
}) {
  return {manifests: manifests.length, blobs: blobs.length}
}
