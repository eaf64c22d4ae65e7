import {readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {type Digest, digestOf} from '../../src/oci/digest.js'
import {ociIndex, ociManifest} from '../../src/oci/media-type.js'
import {copyBlobs, noCounts} from '../../src/store/copy/content.js'
import {createKnownChildren} from '../../src/store/served/manifests/index-children.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import type {Repository} from '../../src/store/repository.js'
import {streamOf} from '../../src/stream/bytes.js'
import {countHashed, countOpened} from '../support/counted-work.js'
import {openRegistry} from '../support/open-registry.js'
import {
  bytesOf,
  manifestOver,
  openRootAt,
  openTestRoot,
  pushImage,
} from '../support/root-fixtures.js'
import {pushBlob, send, serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const content = Buffer.from(Uint32Array.from({length: 500_000}, (_, at) => at).buffer)
const blob = {digest: digestOf(content), size: content.length}

it('B9 a blob that is copied from a registry to a layout is hashed once', async () => {
  const {address} = await serveRegistry({root: await openTestRoot()})
  await pushBlob(address, 'team/app', content)
  const {store: source} = openRegistry(address)
  const target = await openLayoutStore(join(await tempDir(), 'layout'), {create: true})
  const progress = {
    done: new Set<Digest>(),
    counts: noCounts(),
  }
  const hashed = countHashed()
  await copyBlobs(source, target, [blob], {progress, signal: new AbortController().signal})
  // by the client; the server knows that its file is sound
  expect(hashed()).toBe(blob.size)
  expect(await target.statBlob(blob.digest)).toEqual(blob)
})

it('B9 content that nobody has proven is hashed once, too, and refused when it is another', async () => {
  const target = await openLayoutStore(join(await tempDir(), 'layout'), {create: true})
  const hashed = countHashed()
  const wrong = Buffer.from(content)
  wrong[7] = 1
  for (const proven of [undefined, {...blob, size: 1}]) {
    const source = {proven, open: () => streamOf(wrong)}
    await expect(target.putBlob(source, {expected: blob})).rejects.toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
    })
    expect(hashed()).toBe(blob.size)
  }
  expect(await target.statBlob(blob.digest)).toBeUndefined()
  await target.putBlob({open: () => streamOf(content)}, {expected: blob})
  expect(hashed()).toBe(blob.size)
})

it('B10 an upload in one request takes the fast hash, in whichever way it comes', async () => {
  const {address} = await serveRegistry({root: await openTestRoot()})
  const hashed = countHashed()
  /** Once, beside a few names. */
  const expectOnce = (size: number): void => {
    const bytes = hashed()
    expect([bytes >= size, bytes < size + 10_000, bytes]).toEqual([true, true, bytes])
  }
  const whole = `/v2/a/blobs/uploads/?digest=${blob.digest}`
  expect((await send(address, 'POST', whole, {body: content})).status).toBe(201)
  expectOnce(blob.size)
  for (const headers of [{}, {'content-range': `0-${blob.size - 1}`}]) {
    const other = Buffer.concat([content, Buffer.from(JSON.stringify(headers))]).subarray(1)
    const range = 'content-range' in headers ? {'content-range': `0-${other.length - 1}`} : {}
    const {headers: started} = await send(address, 'POST', '/v2/a/blobs/uploads/')
    const path = `${String(started['location'])}?digest=${digestOf(other)}`
    hashed()
    expect((await send(address, 'PUT', path, {headers: range, body: other})).status).toBe(201)
    expectOnce(other.length)
  }
})

/** An index whose text is too large to be kept in memory as it is. */
async function pushLargeIndex(repository: Repository, seed: string, more: object[]): Promise<void> {
  const manifests = Array.from({length: 3000}, (_, at) => ({
    mediaType: ociManifest,
    digest: digestOf(bytesOf(`${seed}-${at}`)),
    size: 100,
  }))
  const document = {schemaVersion: 2, mediaType: ociIndex, manifests: [...manifests, ...more]}
  await repository.putManifest(bytesOf(JSON.stringify(document)), ociIndex, {
    tags: [{tag: seed, from: undefined}],
  })
}

it('A17 a manifest that only an index names is found without reading every index each time', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const descriptors: {mediaType: string; digest: Digest; size: number}[] = []
  for (const layer of ['one', 'two', 'never listed']) {
    const bytes = manifestOver({layers: [layer]})
    await pushImage(a, undefined, {layers: [layer]})
    descriptors.push({mediaType: ociManifest, digest: digestOf(bytes), size: bytes.length})
  }
  const [one, two, never] = descriptors
  for (let at = 0; at < 10; at++)
    await pushLargeIndex(a, `index-${at}`, at === 0 ? [one!] : at === 5 ? [two!] : [])
  await root.close()
  // other tools list the topmost documents only
  const path = join(root.directory, 'a', 'index.json')
  const index = JSON.parse(await readFile(path, 'utf8')) as {manifests: {digest: string}[]}
  const isLeft = ({digest}: {digest: string}) => !descriptors.some((each) => each.digest === digest)
  await writeFile(path, JSON.stringify({...index, manifests: index.manifests.filter(isLeft)}))
  const later = await openRootAt(root.directory)
  const opened = countOpened()
  const repository = await later.openRepository('a')
  const look = async (digest: string): Promise<[boolean, number]> => {
    const found = await repository?.getManifest(digest)
    return [found !== undefined, opened().filter((path) => path.includes('/blobs/')).length]
  }
  const [found, reads] = await look(one!.digest)
  expect(found).toBe(true)
  // each index once, and itself
  expect(reads).toBeLessThanOrEqual(11)
  expect(await look(one!.digest)).toEqual([true, 0])
  // itself
  expect(await look(two!.digest)).toEqual([true, 1])
  // a blob that looks like a manifest and that nothing lists
  expect(await look(never!.digest)).toEqual([false, 0])
  expect(await look(never!.digest)).toEqual([false, 0])
  // an index that comes later is read once; one that goes takes its manifests with it
  await pushLargeIndex(repository!, 'later', [never!])
  opened()
  expect((await look(never!.digest))[0]).toBe(true)
  expect(await look(never!.digest)).toEqual([true, 0])
  await repository!.deleteManifest((await repository!.statManifest('later'))!)
  expect((await look(never!.digest))[0]).toBe(false)
})

it('what is remembered of indexes is bounded, and the oldest goes first', () => {
  const known = createKnownChildren(3 * (256 + 16 * 100))
  const index = (seed: string) => digestOf(bytesOf(seed))
  const children = (seed: string) =>
    Array.from({length: 100}, (_, at) => ({
      mediaType: ociManifest,
      digest: digestOf(bytesOf(`${seed}${at}`), at % 2 ? 'sha256' : 'sha512'),
      size: 1,
    }))
  for (const seed of ['a', 'b', 'c']) known.add(index(seed), {children: children(seed)})
  for (const {digest} of children('a')) expect(known.get(index('a'))?.has(digest)).toBe(true)
  for (const {digest} of children('b')) expect(known.get(index('a'))?.has(digest)).toBe(false)
  known.add(index('d'), {children: children('d')})
  expect(['a', 'b', 'c', 'd'].map((seed) => known.get(index(seed)) !== undefined)).toEqual([
    true,
    false,
    true,
    true,
  ])
})
