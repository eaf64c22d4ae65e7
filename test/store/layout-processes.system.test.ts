import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import type {Descriptor} from '../../src/oci/descriptor.js'
import {digestOf} from '../../src/oci/digest.js'
import {type LayoutStore, openLayoutStore} from '../../src/store/layout/layout-store.js'
import {drain} from '../../src/stream/bytes.js'
import {makeManifest} from '../contracts/make-manifest.js'
import {type RunningScript, runScript} from '../disk/run-script.js'
import {listed} from '../support/open-registry.js'
import {bundleProgram} from '../support/bundle-program.js'
import {tempDir} from '../support/temp-dir.js'

const writer = await bundleProgram(new URL('layout-writer.ts', import.meta.url))
const own = ['blobs', 'index.json', 'oci-layout']

async function endOf(scripts: RunningScript[]): Promise<void> {
  expect(await Promise.all(scripts.map(({ended}) => ended))).toEqual(scripts.map(() => 0))
}

/** Reads the image of a tag to the last byte; throws when anything of it is missing or wrong. */
async function readImage(store: LayoutStore, reference: string): Promise<void> {
  const stored = await store.getManifest(reference)
  if (stored === undefined) throw new Error(`${reference} is not there`)
  const {config, layers} = JSON.parse(Buffer.from(stored.bytes).toString()) as {
    config: Descriptor
    layers: Descriptor[]
  }
  for (const blob of [config, ...layers]) await drain(await store.openBlob(blob))
}

/** I1 to I4 of a layout at rest. */
async function checkInvariants(directory: string): Promise<void> {
  const store = await openLayoutStore(directory)
  const index = JSON.parse(await readFile(join(directory, 'index.json'), 'utf8')) as {
    manifests: Descriptor[]
  }
  for (const {digest} of index.manifests) await readImage(store, digest)
  for await (const tag of store.listTags()) await readImage(store, tag)
  const folder = join(directory, 'blobs/sha256')
  for (const name of await readdir(folder))
    expect(digestOf(await readFile(join(folder, name)))).toBe(`sha256:${name}`)
}

describe('eight processes on one layout', () => {
  const eight = (mode: string, directory: string): RunningScript[] =>
    Array.from({length: 8}, (_, index) => runScript(writer, mode, directory, `n${index}`))

  it('X3 that put different tags lose none', async () => {
    const directory = join(await tempDir(), 'layout')
    await endOf(eight('tags', directory))
    const store = await openLayoutStore(directory)
    const tags = await listed(store.listTags())
    expect(tags).toHaveLength(40)
    expect(new Set(tags).size).toBe(40)
    await checkInvariants(directory)
    expect((await readdir(directory)).toSorted()).toEqual(own)
  })

  it('X4 that put one blob put it once', async () => {
    const directory = join(await tempDir(), 'layout')
    const scripts = eight('blob', directory)
    const digests = await Promise.all(scripts.map((script) => script.next()))
    await endOf(scripts)
    expect(new Set(digests).size).toBe(1)
    const [name, ...others] = await readdir(join(directory, 'blobs/sha256'))
    expect(others).toEqual([])
    expect(`sha256:${name!}`).toBe(digests[0])
    await checkInvariants(directory)
    expect((await readdir(directory)).toSorted()).toEqual(own)
  })

  it('X1 that move one tag on conditions lose no move', async () => {
    const directory = join(await tempDir(), 'layout')
    const store = await openLayoutStore(directory, {create: true})
    const {bytes, descriptor} = await makeManifest(store, '0')
    const tags = [{tag: 'count', from: 'absent'}] as const
    await store.putManifest(bytes, descriptor.mediaType, {tags})
    await endOf(eight('count', directory))
    const last = await makeManifest(store, '40')
    expect(await store.statManifest('count')).toBe(last.descriptor.digest)
    await checkInvariants(directory)
  })
})

describe('a reader beside a writer', () => {
  it('X10 sees the old image or the new one', async () => {
    const directory = join(await tempDir(), 'layout')
    const script = runScript(writer, 'move', directory, 'w')
    await script.next()
    const seen = new Set<string | undefined>()
    const store = await openLayoutStore(directory)
    while (seen.size < 25) {
      seen.add(await store.statManifest('v1'))
      await readImage(store, 'v1')
    }
    expect(seen).not.toContain(undefined)
    await script.kill()
  })
})

describe('a writer that is killed', () => {
  it('I1 I2 I3 I4 leaves a sound layout, and the next one clears up', async () => {
    const directory = join(await tempDir(), 'layout')
    let litter = 0
    for (let round = 0; round < 24; round++) {
      const script = runScript(writer, 'move', directory, `r${round}`)
      const said: string[] = []
      script.lines.on('line', (line) => said.push(line))
      await script.next()
      // some tens of calls to the file system further each time
      await sleep((round * 7) % 40)
      await script.kill()
      litter += (await readdir(directory)).filter((name) => name.startsWith('.inject-')).length
      const store = await openLayoutStore(directory)
      await readImage(store, 'v1')
      // the last move that it spoke of, or the one after it
      const last = await store.statManifest(said.at(-1)!)
      expect(last).toBe(said.at(-1))
      if (round % 6 === 5) await checkInvariants(directory)
    }
    // it was killed in the middle of something at least once, or this shows nothing
    expect(litter).toBeGreaterThan(0)
    const store = await openLayoutStore(directory)
    const {bytes, descriptor} = await makeManifest(store, 'after')
    const tags = [{tag: 'v1', from: undefined}]
    await store.putManifest(bytes, descriptor.mediaType, {tags})
    expect((await readdir(directory)).toSorted()).toEqual(own)
    await checkInvariants(directory)
  }, 180_000)

  it('I8 while it makes a layout leaves one, or what becomes one', async () => {
    const directory = await tempDir()
    for (let round = 0; round < 8; round++) {
      const script = runScript(writer, 'create', directory, `r${round}`)
      await script.next()
      await sleep((round * 5) % 17)
      await script.kill()
    }
    const names = await readdir(directory)
    expect(names.length).toBeGreaterThanOrEqual(8)
    for (const name of names) {
      const layout = join(directory, name)
      const store = await openLayoutStore(layout, {create: true})
      const {bytes, descriptor} = await makeManifest(store, 'first')
      const tags = [{tag: 'v1', from: 'absent'}] as const
      await store.putManifest(bytes, descriptor.mediaType, {tags})
      await checkInvariants(layout)
      expect((await readdir(layout)).toSorted()).toEqual(own)
    }
  }, 120_000)
})
