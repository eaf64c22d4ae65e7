import {streamOf} from '../../../src/stream/bytes.js'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, readdirSync, readFileSync, statSync} from 'node:fs'
import {mkdir, rename, rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {digestOf, type Digest} from '../../../src/oci/digest.js'
import {ociManifest} from '../../../src/oci/media-type.js'
import {collectGarbage} from '../../../src/store/garbage/collect.js'
import {planGarbage} from '../../../src/store/garbage/plan.js'
import {layoutPaths} from '../../../src/store/layout/paths.js'
import {repositoryPaths, rootPaths} from '../../../src/store/layout/root-paths.js'
import type {Repository, RepositoryRoot} from '../../../src/store/repository.js'
import {
  allOf,
  bytesOf,
  manifestOver,
  openTestRoot,
  pushBlob,
  pushImage,
  pushIndex,
  textIn,
} from '../../support/root-fixtures.js'
import {tracing} from '../../support/strace.js'
import {describeWith} from '../../support/tools.js'
import {runs} from '../../support/property-runs.js'

/** As if nobody had touched the repository's blobs for two hours. */
async function age(root: RepositoryRoot, name: string, seconds = 7200): Promise<void> {
  const time = Date.now() / 1000 - seconds
  const blobs = layoutPaths.blobs(rootPaths.repository(root.directory, name))
  for (const algorithm of readdirSync(blobs))
    for (const file of readdirSync(join(blobs, algorithm)))
      await utimes(join(blobs, algorithm, file), time, time)
}

async function collect(root: RepositoryRoot, graceMs?: number) {
  return collectGarbage(await planGarbage(root, {graceMs}))
}

async function isThere(repository: Repository, content: string): Promise<boolean> {
  return (await repository.statBlob(digestOf(bytesOf(content)))) !== undefined
}

const withSubject = (subject: Digest, layer: string, extra: object = {}): Uint8Array =>
  manifestOver({
    layers: [layer],
    members: {subject: {mediaType: ociManifest, digest: subject, size: 1}, ...extra},
  })

describe('garbage', () => {
  it('is what nothing names; tagged, untagged, children of indexes and their parts stay', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const tagged = await pushImage(a, 'v1', {layers: ['tagged'], config: '{"a":1}'})
    const untagged = await pushImage(a, undefined, {layers: ['untagged']})
    const child = await pushImage(a, undefined, {layers: ['child']})
    const inner = await pushIndex(a, undefined, [child])
    const outer = await pushIndex(a, 'multi', [inner, tagged])
    await pushBlob(a, 'garbage 1')
    await pushBlob(a, 'garbage 22', 'sha512')
    await age(root, 'a')
    const plan = await planGarbage(root)
    expect(plan.bytes).toBe(19)
    expect(plan.repositories[0]).toMatchObject({
      name: 'a',
      manifests: [],
      problems: [],
      kept: {referenced: 10, leased: 0},
    })
    expect(await collectGarbage(plan)).toEqual({manifests: 0, blobs: 2, bytes: 19, spared: 0})
    for (const digest of [tagged, untagged, child, inner, outer])
      expect(await a.statManifest(digest)).toBe(digest)
    for (const content of ['tagged', 'untagged', 'child', '{}', '{"a":1}'])
      expect(await isThere(a, content), content).toBe(true)
    expect(await isThere(a, 'garbage 1')).toBe(false)
    expect(readdirSync(join(rootPaths.pool(root.directory), 'sha512'))).toEqual([])
  })

  it('a manifest that another index only lists (as other tools do) keeps its parts', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const child = await pushImage(a, undefined, {layers: ['child']})
    await pushIndex(a, 'multi', [child])
    const path = layoutPaths.index(join(root.directory, 'a'))
    const index = JSON.parse(readFileSync(path, 'utf8')) as {
      manifests: {digest: string}[]
    }
    index.manifests = index.manifests.filter((entry) => entry.digest !== child)
    await writeFile(path, JSON.stringify(index))
    await age(root, 'a')
    await collect(root)
    expect(await a.statManifest(child)).toBe(child)
    expect(await isThere(a, 'child')).toBe(true)
  })

  it('a referrer lives as long as its subject, a tagged one longer; one that waits for its subject has the grace period', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const subject = await pushImage(a, undefined, {layers: ['subject']})
    await pushBlob(a, 'sig')
    await pushBlob(a, 'sig of sig')
    await pushBlob(a, 'tagged sig')
    const signature = await a.putManifest(withSubject(subject, 'sig'), ociManifest)
    const second = await a.putManifest(withSubject(signature.digest, 'sig of sig'), ociManifest)
    const tagged = await a.putManifest(withSubject(subject, 'tagged sig'), ociManifest, {
      tags: [{tag: 'sig', from: undefined}],
    })
    await age(root, 'a')
    expect(await collect(root)).toMatchObject({manifests: 0, blobs: 0})
    await a.deleteManifest(tagged.digest)
    await a.deleteManifest(subject)
    const early = await a.putManifest(
      withSubject(digestOf(bytesOf('later')), 'tagged sig'),
      ociManifest,
    )
    await age(root, 'a')
    await a.statManifest(early.digest)
    expect(await collect(root)).toMatchObject({manifests: 2, blobs: 5})
    expect(await a.statManifest(signature.digest)).toBeUndefined()
    expect(await a.statManifest(second.digest)).toBeUndefined()
    expect(await a.statManifest(early.digest)).toBe(early.digest)
    expect(await allOf(a.listReferrers(subject))).toEqual([])
  })

  it('bytes that other repositories have are not freed, and theirs stay', async () => {
    const root = await openTestRoot()
    const [a, b] = [await root.createRepository('a'), await root.createRepository('b')]
    await pushImage(b, 'v1', {layers: ['shared']})
    await pushBlob(a, 'shared')
    await age(root, 'a')
    const plan = await planGarbage(root)
    expect(plan).toMatchObject({bytes: 0})
    expect(await collectGarbage(plan)).toMatchObject({blobs: 1})
    expect(await isThere(a, 'shared')).toBe(false)
    expect(await isThere(b, 'shared')).toBe(true)
  })

  it('M20 what manifests of kinds that we do not know name stays', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const layer = await pushBlob(a, 'old layer')
    const blob = await pushBlob(a, 'artifact blob')
    const old = {schemaVersion: 1, fsLayers: [{blobSum: layer}]}
    const artifact = {mediaType: 'application/x', blobs: [{mediaType: 'y', digest: blob, size: 1}]}
    await a.putManifest(
      bytesOf(JSON.stringify(old)),
      'application/vnd.docker.distribution.manifest.v1+json',
    )
    await a.putManifest(bytesOf(JSON.stringify(artifact)), 'application/x')
    await age(root, 'a')
    expect(await collect(root)).toMatchObject({blobs: 0})
  })

  it('a corrupt manifest stops the collection of its repository only; a missing one does not', async () => {
    const root = await openTestRoot()
    const [a, b] = [await root.createRepository('a'), await root.createRepository('b')]
    const digest = await pushImage(a, 'v1', {layers: ['x']})
    const gone = await pushImage(a, 'v2', {layers: ['y']})
    await rm(layoutPaths.blob(join(root.directory, 'a'), gone))
    await pushBlob(b, 'garbage')
    await writeFile(layoutPaths.blob(join(root.directory, 'a'), digest), '{}')
    await age(root, 'a')
    await age(root, 'b')
    const plan = await planGarbage(root)
    expect(plan.repositories.map(({problems}) => problems.length)).toEqual([1, 0])
    expect(plan.repositories[0]?.blobs).toEqual([])
    expect(await collectGarbage(plan)).toMatchObject({blobs: 1})
    await rm(layoutPaths.blob(join(root.directory, 'a'), digest))
    await age(root, 'a')
    expect((await planGarbage(root)).repositories[0]?.blobs).toHaveLength(3)
  })

  it('T-60 a 40-level diamond of indexes is walked once', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    let level = await pushImage(a, undefined, {layers: ['bottom']})
    for (let depth = 0; depth < 40; depth++) {
      const manifests = ['x', 'y'].map((side) => ({
        mediaType: ociManifest,
        digest: level,
        size: 1,
        annotations: {side},
      }))
      const bytes = bytesOf(
        JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.oci.image.index.v1+json',
          manifests,
        }),
      )
      level = (await a.putManifest(bytes, 'application/vnd.oci.image.index.v1+json')).digest
    }
    await age(root, 'a')
    expect((await planGarbage(root)).repositories[0]?.blobs).toEqual([])
  })

  it('expired uploads go, active ones stay', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const [old, active] = [await a.startUpload(), await a.startUpload()]
    for (const each of [old, active]) await each.append(streamOf(bytesOf('x')))
    const time = Date.now() / 1000 - 90_000
    await utimes(repositoryPaths.upload(join(root.directory, 'a'), old.id), time, time)
    // named with what they take
    const [planned] = (await planGarbage(root)).repositories
    expect(planned).toMatchObject({uploads: [old.id], unfinished: {count: 2, bytes: 2}})
    await collect(root)
    expect(await a.resumeUpload(old.id)).toBeUndefined()
    expect(await a.resumeUpload(active.id)).toBeDefined()
  })
})

describe('leases', () => {
  it('HEAD, collection, PUT: whatever was asked for, put, mounted or read within the grace period stays', async () => {
    const root = await openTestRoot()
    const [a, b] = [await root.createRepository('a'), await root.createRepository('b')]
    for (const content of [
      'asked for',
      'read',
      'ranged',
      'mounted',
      'manifest asked for',
      'pushed again',
      'idle',
    ])
      await pushBlob(a, content)
    await age(root, 'a')
    const blob = (content: string) => ({digest: digestOf(bytesOf(content)), size: content.length})
    const plan = await planGarbage(root)
    expect(plan.repositories[0]?.blobs).toHaveLength(7)
    await a.statBlob(blob('asked for').digest)
    await textIn(await a.openBlob(blob('read')))
    await textIn(await a.openBlobRange(blob('ranged'), {first: 0, last: 1}))
    await b.mountBlob(blob('mounted').digest, 'a')
    await pushBlob(a, 'pushed again')
    expect(await collectGarbage(plan)).toMatchObject({blobs: 2, spared: 5})
    for (const content of ['asked for', 'read', 'ranged', 'pushed again'])
      expect(await isThere(a, content), content).toBe(true)
    expect(await isThere(b, 'mounted')).toBe(true)
    expect(await isThere(a, 'idle')).toBe(false)
  })

  it('a manifest that came after the plan keeps what it names, with no grace period at all', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    await pushBlob(a, 'layer')
    await pushBlob(a, '{}')
    await pushBlob(a, 'idle')
    const plan = await planGarbage(root, {graceMs: 0})
    expect(plan.repositories[0]?.blobs).toHaveLength(3)
    await a.putManifest(manifestOver({layers: ['layer']}), ociManifest, {
      tags: [{tag: 'v1', from: 'absent'}],
    })
    expect(await collectGarbage(plan)).toMatchObject({blobs: 1, spared: 2})
    expect(await isThere(a, 'layer')).toBe(true)
  })

  it('s13 what a killed collector had in hand is not absent, and is put back by the next one', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const directory = join(root.directory, 'a')
    const [one, two] = [await pushBlob(a, 'one'), await pushBlob(a, 'two')]
    const three = await pushImage(a, 'v1', {layers: ['one']})
    await mkdir(repositoryPaths.collecting(directory))
    for (const digest of [one, two, three])
      await rename(layoutPaths.blob(directory, digest), repositoryPaths.inHand(directory, digest))
    expect((await a.statBlob(one))?.size).toBe(3)
    expect(await a.statManifest('v1')).toBe(three)
    await collect(root)
    expect(existsSync(layoutPaths.blob(directory, two))).toBe(true)
  })

  it('P24 a time in the future does not keep a blob that is used now from being kept later', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = await pushBlob(a, 'x')
    await age(root, 'a', -86_400)
    await a.statBlob(digest)
    const {mtimeMs} = statSync(layoutPaths.blob(join(root.directory, 'a'), digest))
    expect(mtimeMs).toBeLessThan(Date.now() + 2000)
  })

  it('P16 nothing reachable or younger than the grace goes, and always the rest', async () => {
    const contents = ['l0', 'l1', 'l2', 'l3', 'l4', 'l5'] as const
    const image = fc.record({
      tag: fc.option(fc.constantFrom('v1', 'v2'), {nil: undefined}),
      layers: fc.subarray([...contents]),
    })
    const model = fc.record({
      images: fc.array(image, {maxLength: 4}),
      loose: fc.subarray([...contents]),
      young: fc.subarray([...contents]),
      deleted: fc.nat({max: 3}),
    })
    const property = fc.asyncProperty(model, async ({images, loose, young, deleted}) => {
      const root = await openTestRoot()
      const a = await root.createRepository('a')
      for (const content of loose) await pushBlob(a, content)
      const pushed: Digest[] = []
      for (const {tag, layers} of images) pushed.push(await pushImage(a, tag, {layers}))
      const victim = pushed[deleted]
      if (victim !== undefined) await a.deleteManifest(victim)
      await age(root, 'a')
      const present = new Set<string>()
      for (const content of contents)
        if (existsSync(layoutPaths.blob(join(root.directory, 'a'), digestOf(bytesOf(content)))))
          present.add(content)
      for (const content of young) await a.statBlob(digestOf(bytesOf(content)))
      await collect(root)
      const reachable = new Set(
        images.filter((_, at) => pushed[at] !== victim).flatMap(({layers}) => layers),
      )
      for (const content of contents) {
        const stays = present.has(content) && (reachable.has(content) || young.includes(content))
        const path = layoutPaths.blob(join(root.directory, 'a'), digestOf(bytesOf(content)))
        expect(existsSync(path), content).toBe(stays)
      }
      await root.close()
    })
    await fc.assert(property, {numRuns: runs(0.25)})
  })
})

describeWith(['strace'], 'a blob that is asked for between the look at it and its removal', () => {
  it('stays: it is looked at again when nobody can be told any more that it is there', async () => {
    const root = await openTestRoot()
    const a = await root.createRepository('a')
    const digest = await pushBlob(a, 'asked for late')
    await pushBlob(a, 'idle')
    await age(root, 'a')
    const directory = join(root.directory, 'a')
    const script = collectorScript(root.directory, 60_000)
    const strace = tracing([
      '-o',
      '/dev/null',
      '-e',
      'trace=rename',
      '-e',
      'inject=rename:delay_enter=2000000',
    ])
    const env = {...process.env, UV_USE_IO_URING: '0', TSX_DISABLE_CACHE: '1'}
    const child = spawn('strace', [...strace, process.execPath, ...script], {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // made right before the first blob is looked at
    while (!existsSync(repositoryPaths.collecting(directory))) await sleep(10)
    await sleep(500)
    expect((await a.statBlob(digest))?.size).toBe(14)
    child.stdin.end('stop\n')
    await once(child, 'exit')
    expect(existsSync(layoutPaths.blob(directory, digest))).toBe(true)
    expect(await isThere(a, 'idle')).toBe(false)
  })
})

/**
 * What node runs a collector with that goes on until something comes on its stdin; it says when it
 * begins, and how many blobs it removed.
 */
function collectorScript(directory: string, graceMs: number): string[] {
  const source = (file: string): string => JSON.stringify(join(process.cwd(), 'src/store', file))
  const script = `
    import {openRepositoryRoot} from ${source('served/open-root.ts')}
    import {planGarbage} from ${source('garbage/plan.ts')}
    import {collectGarbage} from ${source('garbage/collect.ts')}
    const root = await openRepositoryRoot(${JSON.stringify(directory)}, {shared: true})
    let removed = 0
    let running = true
    process.stdin.on('data', () => (running = false))
    console.log('running')
    while (running) removed += (await collectGarbage(await planGarbage(root, {graceMs: ${graceMs}}))).blobs
    console.log(removed)
    process.stdin.destroy()`
  return ['--import', 'tsx', '--input-type=module', '-e', script]
}

describe('X6 a collector in another process, in a loop, beside pushes', () => {
  it('takes nothing that a push counts on', async () => {
    const root = await openTestRoot()
    const script = collectorScript(root.directory, 2000)
    const child = spawn(process.execPath, script, {stdio: ['pipe', 'pipe', 'inherit']})
    await once(child.stdout, 'data')
    const deadline = Date.now() + 12_000
    let pushes = 0
    let reused = 0
    const client = async (worker: number): Promise<void> => {
      const repository = await root.createRepository(`r${worker % 3}`)
      for (let round = 0; Date.now() < deadline; round++) {
        const own = `own ${worker} ${round % 10}`
        const layers = [`layer ${round % 40}`, own]
        for (const content of [...layers, '{}']) {
          // as clients do: what is there is not sent
          if (await isThere(repository, content)) reused++
          else await pushBlob(repository, content)
        }
        const tag = `w${worker}`
        const {digest} = await repository.putManifest(manifestOver({layers}), ociManifest, {
          tags: [{tag, from: undefined}],
        })
        for (const content of [...layers, '{}']) {
          const path = layoutPaths.blob(
            rootPaths.repository(root.directory, repository.name),
            digestOf(bytesOf(content)),
          )
          expect(existsSync(path), `${content} of ${tag}`).toBe(true)
        }
        expect(await repository.statManifest(digest)).toBe(digest)
        // so that there is always something to collect, which this worker asks for again later: as
        // if it had been used long ago
        if (round % 2 === 0) {
          await repository.deleteManifest(digest)
          const folder = rootPaths.repository(root.directory, repository.name)
          await utimes(layoutPaths.blob(folder, digestOf(bytesOf(own))), 1, 1)
        }
        pushes++
      }
    }
    await Promise.all(Array.from({length: 6}, (_, worker) => client(worker)))
    child.stdin.write('stop\n')
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    await once(child, 'exit')
    expect(pushes).toBeGreaterThan(20)
    expect(reused).toBeGreaterThan(0)
    expect(Number(line.toString())).toBeGreaterThan(0)
  })
})
