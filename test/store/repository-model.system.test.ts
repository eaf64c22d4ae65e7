import {readdir, utimes} from 'node:fs/promises'
import {join} from 'node:path'
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {digestOf, type Digest} from '../../src/oci/digest.js'
import {checkStore} from '../../src/store/check/check-store.js'
import {collectGarbage} from '../../src/store/garbage/collect.js'
import {planGarbage} from '../../src/store/garbage/plan.js'
import {layoutPaths} from '../../src/store/layout/paths.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {rootPaths} from '../../src/store/layout/root-paths.js'
import type {RepositoryRoot} from '../../src/store/repository.js'
import {streamOf} from '../../src/stream/bytes.js'
import {allOf, bytesOf, pushBlob, pushImage} from '../support/root-fixtures.js'
import {tempDir} from '../support/temp-dir.js'
import {runs} from '../support/property-runs.js'

const names = ['a', 'a/b', 'blobs'] as const
type Name = (typeof names)[number]

/** What a repository must hold: plain sets and maps. */
interface Expected {
  readonly blobs: Set<Digest>
  /** With all that each names. */
  readonly manifests: Map<Digest, readonly Digest[]>
  readonly tags: Map<string, Digest>
  readonly uploads: Map<string, string>
}

interface State {
  readonly directory: string
  root: RepositoryRoot
  readonly expected: Map<Name, Expected>
}

const name = fc.constantFrom(...names)
const content = fc.constantFrom('one', 'two', 'three')
const tag = fc.constantFrom('v1', 'v2')
const layers = fc.subarray(['one', 'two', 'three'])
const step = fc.oneof(
  fc.record({do: fc.constant('push' as const), name, content}),
  fc.record({do: fc.constant('start' as const), name}),
  fc.record({do: fc.constant('append' as const), name, content, ranged: fc.boolean()}),
  fc.record({do: fc.constant('finish' as const), name}),
  fc.record({do: fc.constant('cancel' as const), name}),
  fc.record({do: fc.constant('mount' as const), name, from: name, content}),
  fc.record({
    do: fc.constant('image' as const),
    name,
    layers,
    tag: fc.option(tag, {nil: undefined}),
  }),
  fc.record({do: fc.constant('untag' as const), name, tag}),
  fc.record({do: fc.constant('delete' as const), name, tag}),
  fc.record({do: fc.constant('deleteBlob' as const), name, content}),
  fc.record({do: fc.constant('collect' as const)}),
  fc.record({do: fc.constant('restart' as const)}),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

const of = (text: string): Digest => digestOf(bytesOf(text))

it('P15 any sequence of pushes, mounts, tags, deletions, collections and restarts does what maps would do', async () => {
  const property = fc.asyncProperty(
    fc.array(step, {minLength: 5, maxLength: 25}),
    async (steps) => {
      const directory = await tempDir()
      const state: State = {
        directory,
        root: await openRepositoryRoot(directory),
        expected: new Map(),
      }
      for (const each of steps) {
        await take(state, each)
        await compare(state, JSON.stringify(each))
      }
      const {repositories} = await checkStore(state.root)
      for (const {faults, corrupt, images} of repositories) {
        expect([faults, corrupt]).toEqual([[], []])
        expect(images.filter(({status}) => status !== 'ok')).toEqual([])
      }
      await state.root.close()
    },
  )
  await fc.assert(property, {numRuns: runs(0.5)})
})

async function take(state: State, step: Step): Promise<void> {
  if (step.do === 'restart') {
    // those that nobody has written to live in the process
    for (const {uploads} of state.expected.values())
      for (const [id, received] of uploads) if (received === '') uploads.delete(id)
    await state.root.close()
    state.root = await openRepositoryRoot(state.directory)
    return
  }
  if (step.do === 'collect') return collect(state)
  const repository = await state.root.createRepository(step.name)
  const expected = expectedOf(state, step.name)
  const [upload] = expected.uploads
  switch (step.do) {
    case 'push':
      await pushBlob(repository, step.content)
      expected.blobs.add(of(step.content))
      break
    case 'start':
      expected.uploads.set((await repository.startUpload()).id, '')
      break
    case 'append': {
      const session = upload && (await repository.resumeUpload(upload[0]))
      if (!session) break
      const at = step.ranged ? upload[1].length : undefined
      await session.append(streamOf(bytesOf(step.content)), {at})
      expected.uploads.set(upload[0], upload[1] + step.content)
      break
    }
    case 'finish': {
      const session = upload && (await repository.resumeUpload(upload[0]))
      if (!session) break
      await session.finish(of(upload[1]))
      expected.uploads.delete(upload[0])
      expected.blobs.add(of(upload[1]))
      break
    }
    case 'cancel': {
      const session = upload && (await repository.resumeUpload(upload[0]))
      await session?.cancel()
      if (upload) expected.uploads.delete(upload[0])
      break
    }
    case 'mount': {
      const isThere = state.expected.get(step.from)?.blobs.has(of(step.content)) === true
      expect(await repository.mountBlob(of(step.content), step.from)).toBe(isThere)
      if (isThere) expected.blobs.add(of(step.content))
      break
    }
    case 'image': {
      const digest = await pushImage(repository, step.tag, {layers: step.layers})
      const parts = [digest, of('{}'), ...step.layers.map(of)]
      for (const part of parts) expected.blobs.add(part)
      expected.manifests.set(digest, parts)
      if (step.tag !== undefined) expected.tags.set(step.tag, digest)
      break
    }
    case 'untag':
      expect(await repository.deleteTag(step.tag)).toBe(expected.tags.delete(step.tag))
      break
    case 'delete': {
      const digest = expected.tags.get(step.tag) ?? of('nothing')
      expect(await repository.deleteManifest(digest)).toBe(expected.manifests.delete(digest))
      expected.blobs.delete(digest)
      for (const [each, named] of expected.tags) if (named === digest) expected.tags.delete(each)
      break
    }
    case 'deleteBlob': {
      // what an image needs is the client's to keep
      if ([...expected.manifests.values()].flat().includes(of(step.content))) break
      expect(await repository.deleteBlob(of(step.content))).toBe(
        expected.blobs.delete(of(step.content)),
      )
    }
  }
}

async function collect(state: State): Promise<void> {
  // an earlier collection made them old
  const now = Date.now() / 1000
  for (const name of state.expected.keys())
    for (const path of await blobFiles(state, name)) await utimes(path, now, now)
  await collectGarbage(await planGarbage(state.root))
  await compare(state, 'a collection within the grace period')
  const old = Date.now() / 1000 - 7200
  for (const [name, expected] of state.expected) {
    for (const path of await blobFiles(state, name)) await utimes(path, old, old)
    const reachable = new Set([...expected.manifests.values()].flat())
    for (const digest of expected.blobs) if (!reachable.has(digest)) expected.blobs.delete(digest)
  }
  await collectGarbage(await planGarbage(state.root))
}

async function compare(state: State, after: string): Promise<void> {
  expect(await allOf(state.root.listRepositories()), after).toEqual(
    [...state.expected.keys()].sort(),
  )
  for (const [name, expected] of state.expected) {
    const repository = await state.root.createRepository(name)
    expect(await allOf(repository.listTags()), after).toEqual([...expected.tags.keys()].sort())
    for (const [tag, digest] of expected.tags)
      expect(await repository.statManifest(tag), after).toBe(digest)
    for (const digest of expected.manifests.keys())
      expect((await repository.getManifest(digest))?.descriptor.digest, after).toBe(digest)
    for (const [id, received] of expected.uploads)
      expect((await repository.resumeUpload(id))?.offset, after).toBe(received.length)
    const files = (await blobFiles(state, name)).map((path) =>
      path.slice(path.lastIndexOf('/') + 1),
    )
    expect(files.sort(), after).toEqual([...expected.blobs].map((digest) => digest.slice(7)).sort())
  }
}

function expectedOf({expected}: State, name: Name): Expected {
  const known = expected.get(name)
  if (known !== undefined) return known
  const fresh = {
    blobs: new Set<Digest>(),
    manifests: new Map(),
    tags: new Map(),
    uploads: new Map(),
  }
  expected.set(name, fresh)
  return fresh
}

async function blobFiles({directory}: State, name: Name): Promise<string[]> {
  const folder = join(layoutPaths.blobs(rootPaths.repository(directory, name)), 'sha256')
  return (await readdir(folder)).map((file) => join(folder, file))
}
