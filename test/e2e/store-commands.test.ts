import {execa} from 'execa'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, readdirSync, writeFileSync} from 'node:fs'
import {readFile, rm, truncate, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import {createInterface} from 'node:readline'
import {fileURLToPath} from 'node:url'
import {setImmediate as nextTurn} from 'node:timers/promises'
import {expect, it, onTestFinished} from 'vitest'
import type {Digest} from '../../src/oci/digest.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {openRootAt, openTestRoot, pushBlob, pushImage, pushIndex} from '../support/root-fixtures.js'
import {send, serveRegistry} from '../support/served-registry.js'
import {describeWith} from '../support/tools.js'

const pathOf = (root: RepositoryRoot, name: string, digest: Digest): string =>
  layoutPaths.blob(join(root.directory, name), digest)

/** As if nobody had used it for two hours. */
async function age(path: string): Promise<void> {
  const then = new Date(Date.now() - 7_200_000)
  await utimes(path, then, then)
}

/** An image tagged v1, and content that nothing refers to: some of two hours ago, some of now. */
async function rootWithGarbage() {
  const root = await openTestRoot()
  const a = await root.createRepository('team/a')
  const image = await pushImage(a, 'v1', {layers: ['layer']})
  const old = await pushBlob(a, 'old garbage')
  const fresh = await pushBlob(a, 'fresh garbage')
  await age(pathOf(root, 'team/a', old))
  const has = (digest: Digest): boolean => existsSync(pathOf(root, 'team/a', digest))
  return {root, a, image, old, fresh, has}
}

it('gc --dry-run removes nothing, gc what it said, and neither what was just used', async () => {
  const {root, a, image, old, fresh, has} = await rootWithGarbage()
  // a blob that is shared with another repository is not garbage there
  const b = await root.createRepository('b')
  await b.mountBlob(old, 'team/a')
  await pushImage(b, 'v1', {layers: ['old garbage']})
  await age(pathOf(root, 'team/a', old))
  const expected = {
    schemaVersion: 1,
    root: root.directory,
    repositories: [
      {name: 'b', blobs: []},
      {
        name: 'team/a',
        manifests: [],
        blobs: [{digest: old, size: 11}],
        uploads: 0,
        unfinished: {count: 0, bytes: 0},
        kept: {referenced: 3, leased: 1},
        problems: [],
      },
    ],
    total: {manifests: 0, blobs: 1, bytes: 11, spared: 0},
  }
  const planned = await injectJson(['store', 'gc', root.directory, '--dry-run'])
  expect(planned).toMatchObject({...expected, dryRun: true})
  expect(has(old)).toBe(true)

  // the root is open (served) in this process all the while
  const done = await injectJson(['store', 'gc', root.directory])
  expect(done).toMatchObject({...expected, dryRun: false})
  expect([has(old), has(fresh)]).toEqual([false, true])
  expect(existsSync(pathOf(root, 'b', old))).toBe(true)
  expect(await a.statManifest('v1')).toBe(image)

  const {exitCode, stdout, stderr} = await inject(['store', 'gc', root.directory, '--grace', '0s'])
  expect([exitCode, stdout]).toEqual([0, 'team/a  1 blob, 13 B'])
  expect(stderr).toBe('inject: 1 blob (13 B) removed, in 2 repositories')
  expect(has(fresh)).toBe(false)
  const again = await inject(['store', 'gc', root.directory, '--grace', '0s'])
  expect([again.exitCode, again.stdout]).toEqual([0, ''])
})

it('gc takes nothing from a repository with a manifest that cannot be read, and says so', async () => {
  const {root, image, old, has} = await rootWithGarbage()
  await truncate(pathOf(root, 'team/a', image), 3)
  const {exitCode, stdout, stderr} = await inject(['store', 'gc', root.directory, '--grace', '0s'])
  expect([exitCode, stdout]).toEqual([0, ''])
  expect(stderr).toContain(`inject: warning: team/a: manifest ${image} cannot be read`)
  expect(has(old)).toBe(true)
})

it('prune keeps the newest, what a pattern keeps, and what an index names', async () => {
  const root = await openTestRoot()
  const a = await root.createRepository('a')
  const digests: Record<string, Digest> = {}
  for (const tag of ['v1.0', 'v1.1', 'part', 'old', 'new']) {
    digests[tag] = await pushImage(a, tag, {layers: [tag]})
    // the times of pushes have milliseconds: the next one is of another
    for (const pushed = Date.now(); Date.now() === pushed;) await nextTurn()
  }
  await pushIndex(a, 'multi', [digests['part'] as Digest])
  const untagged = await pushImage(a, undefined, {layers: ['untagged']})
  const flags = ['--keep-last', '2', '--keep-tags', 'v*.0', '--grace', '0s']
  const gone = ['old', 'part', 'v1.1']
  const run = (...more: string[]) =>
    injectJson(['store', 'prune', root.directory, ...flags, ...more])
  const tagsOf = (result: Record<string, unknown>) =>
    (result['tags'] as {tag: string}[]).map(({tag}) => tag).sort()

  const planned = await run('--dry-run')
  expect(tagsOf(planned)).toEqual(gone)
  expect(planned['total']).toMatchObject({tags: 3, manifests: 2, blobs: 4})
  expect(await a.statManifest('old')).toBe(digests['old'])

  const done = await run()
  expect(tagsOf(done)).toEqual(gone)
  expect(done['total']).toEqual(planned['total'])
  const left: string[] = []
  for await (const tag of a.listTags()) left.push(tag)
  expect(left).toEqual(['multi', 'new', 'v1.0'])
  expect(await a.statManifest(digests['part'] as Digest)).toBe(digests['part'])
  expect(await a.statManifest(digests['old'] as Digest)).toBeUndefined()

  expect(await a.statManifest(untagged)).toBe(untagged)
  const args = ['store', 'prune', root.directory, '--untagged', '--grace', '0s']
  expect((await inject(args)).stdout).toBe('a  2 blobs, 405 B')
  expect(await a.statManifest(untagged)).toBeUndefined()
  expect(await a.statManifest(digests['part'] as Digest)).toBe(digests['part'])
})

it('prune --older-than goes by the time of the push', async () => {
  const {root, a} = await rootWithGarbage()
  const young = await injectJson(['store', 'prune', root.directory, '--older-than', '1h'])
  expect(young['tags']).toEqual([])
  const {stdout, stderr} = await inject(['store', 'prune', root.directory, '--older-than', '0s'])
  expect(stdout).toMatch(/^team\/a:v1 {2}\d{4}-\d\d-\d\dT\S+Z {2}sha256:[0-9a-f]{64}$/m)
  expect(stderr).toMatch(/^inject: 1 tag and 0 blobs \(0 B\) removed; 1 blob kept/)
  expect(await a.statManifest('v1')).toBeUndefined()
})

it('check ends with 6 for a corrupt blob, names the images, and repairs from a registry', async () => {
  const {root, image, old} = await rootWithGarbage()
  const fine = await inject(['store', 'check', root.directory])
  expect([fine.exitCode, fine.stdout]).toEqual([0, 'ok        team/a:v1'])
  expect(fine.stderr).toMatch(
    /^inject: check: team\/a\ninject: 5 files in 1 repository read \(\S+ B\): no problems$/,
  )

  const source = await serveRegistry()
  const copy = await source.root.createRepository('copy/of-a')
  await pushImage(copy, 'v1', {layers: ['layer']})
  // the manifest is had by its digest, too
  await truncate(pathOf(root, 'team/a', image), 3)
  const layer = await pushBlob(copy, 'layer')
  await rm(pathOf(root, 'team/a', layer))
  const args = ['store', 'check', root.directory]
  const bad = await inject(args)
  expect(bad.exitCode).toBe(6)
  expect(bad.stdout.split('\n')).toEqual([
    `affected  team/a:v1  ${image} is corrupt`,
    `corrupt   team/a  ${image}`,
  ])
  const document = await inject([...args, '--json'])
  expect(document.exitCode).toBe(6)
  expect(JSON.parse(document.stdout)).toMatchObject({
    schemaVersion: 1,
    sound: false,
    repositories: [{name: 'team/a', corrupt: [image], repaired: []}],
  })

  const from = ['--repair-from', `${source.address}/copy/of-a`]
  const repaired = await injectJson([...args, ...from])
  expect(repaired).toMatchObject({
    sound: true,
    repositories: [{corrupt: [], repaired: [image, layer], faults: []}],
  })
  expect((await inject(args)).exitCode).toBe(0)

  // what the registry does not have stays as it is
  writeFileSync(pathOf(root, 'team/a', old), 'other')
  const lost = await inject([...args, ...from])
  expect(lost.exitCode).toBe(6)
  expect(lost.stdout.split('\n')).toEqual(['ok        team/a:v1', `corrupt   team/a  ${old}`])
  expect(await readFile(pathOf(root, 'team/a', old), 'utf8')).toBe('other')
})

it.each([
  [['gc'], 2, 'ROOT is missing'],
  [['gc', '/nonexistent'], 4, 'there is no folder'],
  [['gc', 'ROOT', '--grace', '1'], 2, 'not a duration'],
  [['gc', 'ROOT', '--username', 'me'], 2, '--username'],
  [['prune', 'ROOT'], 2, 'nothing says what may go'],
  [['prune', 'ROOT', '--keep-tags', 'v*'], 2, 'nothing says what may go'],
  [['prune', 'ROOT', '--older-than', '30 days'], 2, 'not a duration'],
  [['prune', 'ROOT', '--untagged', '--keep-tags', 'v[0-9]'], 2, 'not a pattern'],
  [['check', 'ROOT', '--repair-from', 'https://registry.example'], 2, 'not an image reference'],
])('store %j ends with %i', async (args, code, why) => {
  const {root, old, has} = await rootWithGarbage()
  const given = args.map((arg) => (arg === 'ROOT' ? root.directory : arg))
  const {exitCode, stdout, stderr} = await inject(['store', ...given])
  expect([exitCode, stdout]).toEqual([code, ''])
  expect(stderr).toContain(why)
  expect(has(old)).toBe(true)
})

describeWith(['skopeo'], 'beside skopeo', () => {
  it('what skopeo wrote is checked, and comes out whole after prune and gc', async () => {
    const root = await openTestRoot()
    const {address} = await serveRegistry({root})
    const image = await makeLayoutImage(root.directory + '-source')
    onTestFinished(() => rm(root.directory + '-source', {recursive: true, force: true}))
    const skopeo = (from: string, to: string) =>
      execa('skopeo', ['copy', '-q', '--src-tls-verify=false', '--dest-tls-verify=false', from, to])
    for (const tag of ['v1', 'v2']) await skopeo(image, `docker://${address}/app:${tag}`)
    const directory = join(root.directory, 'app')
    const blobs = readdirSync(join(directory, 'blobs/sha256'))
    const pruned = await injectJson([
      'store',
      'prune',
      root.directory,
      '--keep-last',
      '1',
      '--grace',
      '0s',
    ])
    expect(pruned['total']).toMatchObject({tags: 1, blobs: 0})
    expect(readdirSync(join(directory, 'blobs/sha256'))).toEqual(blobs)
    expect((await inject(['store', 'check', root.directory])).exitCode).toBe(0)
    const {tag} = (pruned['tags'] as {tag: string}[])[0] as {tag: string}
    const kept = tag === 'v1' ? 'v2' : 'v1'
    await skopeo(`docker://${address}/app:${kept}`, `oci:${directory}-out:x`)
    expect((await send(address, 'GET', `/v2/app/manifests/${tag}`)).status).toBe(404)
  })
})

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

it('serve --gc-interval collects again and again, and ends with SIGTERM', async () => {
  const {root, old, fresh, has} = await rootWithGarbage()
  await root.close()
  const flags = ['--listen', '127.0.0.1:0', '--gc-interval', '1s']
  const child = spawn(process.execPath, [program, 'serve', root.directory, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = once(child, 'exit')
  for await (const line of createInterface({input: child.stdout})) if (line !== '') break
  await expect.poll(() => has(old), {timeout: 30_000}).toBe(false)
  expect(has(fresh)).toBe(true)
  await expect.poll(() => log).toContain('blobs 1, bytes 11,')
  await age(pathOf(root, 'team/a', fresh))
  await expect.poll(() => has(fresh), {timeout: 30_000}).toBe(false)
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  await openRootAt(root.directory)
})

it.each([
  [['--gc-interval', '0s'], '--gc-interval'],
  [['--gc-interval', '1h', '--read-only'], '--read-only'],
])('serve %j is refused', async (flags, why) => {
  const root = await openTestRoot()
  const result = await inject(['serve', root.directory, '--listen', '127.0.0.1:0', ...flags])
  expect([result.exitCode, result.stdout]).toEqual([2, ''])
  expect(result.stderr).toContain(why)
})
