import {rmSync, truncateSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {beforeAll, describe, expect, it} from 'vitest'
import type {Layer} from '../../../src/image/image.js'
import {planShards} from '../../../src/layer/shards/plan.js'
import {walk} from '../../../src/layer/tree/walk.js'
import type {Entries} from '../../../src/layer/tree/walked-entry.js'
import {digestOf} from '../../../src/oci/digest.js'
import {compareShards} from '../../../src/operations/slot/compare-shards.js'
import type {KnownLayer} from '../../../src/operations/slot/known-layers.js'
import type {ShardedContent} from '../../../src/operations/slot/shard-parts.js'
import {storeShards} from '../../../src/operations/slot/store-shards.js'
import type {Ports, ProgressEvent} from '../../../src/ports.js'
import type {ContentStore} from '../../../src/store/content-store.js'
import {createMemoryStore} from '../../../src/store/memory-store.js'
import {operationPorts} from '../../support/operation-ports.js'
import {tempDir} from '../../support/temp-dir.js'
import {countWorkers} from '../../support/thread-count.js'

const MiB = 1024 * 1024

const {workers, begin} = countWorkers()
beforeAll(begin)

/** Large files without content, f00 and so on, in more layers than are hashed at once. */
async function makeContent(): Promise<ShardedContent & {readonly root: string}> {
  const root = await tempDir()
  for (let number = 0; number < 24; number++) {
    const path = join(root, `f${String(number).padStart(2, '0')}`)
    writeFileSync(path, `${number}`)
    truncateSync(path, 6 * MiB)
  }
  // as it was: what is changed later is found to be so when it is read
  const listed = [...walk(root, {path: '/', detail: 'states'})]
  const content: Entries = () => listed
  const {plan} = await planShards(content, 12, 127)
  if (!plan) throw new Error('one layer is not a division')
  return {root, content, plan, frame: undefined, memory: undefined}
}

const format = {mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', on: 'it'}

type How = {readonly known?: readonly KnownLayer[]} & Partial<Ports>

function store(target: ContentStore, sharded: ShardedContent, how: How) {
  const {known = [stranger], ...more} = how
  const options = {...format, known, isStanding: () => true, restores: true}
  return storeShards(target, sharded, options, {...operationPorts(target), ...more})
}

function compare(target: ContentStore, sharded: ShardedContent, how: How) {
  const {known = [stranger], ...more} = how
  const options = {...format, known, isStanding: () => true}
  return compareShards(target, sharded, options, {...operationPorts(target), ...more})
}

const ways = {store, compare}

/** Equals nothing, and may be newer than everything. */
const stranger: KnownLayer = {
  descriptor: {mediaType: format.mediaType, digest: digestOf(Buffer.from('blob')), size: 1},
  diffId: digestOf(Buffer.from('tar')),
  own: true,
  isShard: true,
  newest: undefined,
}

function asKnown(layers: readonly Layer[]): KnownLayer[] {
  return layers.map((layer) => ({...layer, own: true, isShard: true, newest: undefined}))
}

describe('layers that are compared several at once', () => {
  it('are in order, whether they are new or known, with any number of jobs', async () => {
    const sharded = await makeContent()
    const target = createMemoryStore('repository')
    const first = await store(target, sharded, {known: [], jobs: 2})
    expect(first.layers.length).toBeGreaterThan(8)
    for (const jobs of [1, 2, 5]) {
      const again = await store(createMemoryStore('repository'), sharded, {jobs})
      expect([jobs, again]).toEqual([jobs, first])
      const known = asKnown(first.layers).reverse()
      const compared = await compare(target, sharded, {known, jobs})
      expect(asKnown(compared.layers as Layer[])).toEqual(asKnown(first.layers))
      expect(compared.content).toEqual(first.content)
      expect(workers()).toBe(0)
    }
  })

  it('have several threads, none for one job, and their progress is added up', async () => {
    const sharded = await makeContent()
    const target = createMemoryStore('repository')
    const {layers, content} = await store(target, sharded, {known: [], jobs: 2})
    for (const [jobs, least, most] of [
      [1, 0, 0],
      [2, 2, 2],
      [9, 3, 4],
    ] as const) {
      let threads = 0
      const events: ProgressEvent[] = []
      const report = (event: ProgressEvent) => {
        threads = Math.max(threads, workers())
        events.push(event)
      }
      const {uploaded} = await store(target, sharded, {known: asKnown(layers), jobs, report})
      expect(uploaded).toBe(false)
      expect(threads).toBeGreaterThanOrEqual(least)
      expect(threads).toBeLessThanOrEqual(most)
      const done = events.flatMap((event) => (event.kind === 'bytes' ? [event.done] : []))
      expect(done).toEqual(done.slice().sort((a, b) => a - b))
      expect(done.at(-1)).toBe(content.tarSize)
      expect(events.filter(({kind}) => kind === 'step')).toHaveLength(1)
    }
  })

  it.each(['store', 'compare'] as const)(
    'fail with what fails in the lowest one, whichever failed first (%s)',
    async (what) => {
      const sharded = await makeContent()
      // found at the end of the file, and at its beginning
      utimesSync(join(sharded.root, 'f09'), 1, 1)
      for (const name of ['f11', 'f13', 'f14']) rmSync(join(sharded.root, name))
      for (const jobs of [1, 2, 4]) {
        const target = createMemoryStore('repository')
        await expect(ways[what](target, sharded, {jobs})).rejects.toMatchObject({
          code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
          message: "'f09' changed while it was packed",
        })
        expect(workers()).toBe(0)
      }
    },
  )

  it.each(['store', 'compare'] as const)('end when they are aborted (%s)', async (what) => {
    const sharded = await makeContent()
    for (const jobs of [1, 2, 4]) {
      const controller = new AbortController()
      const report = ({kind}: ProgressEvent) => {
        if (kind === 'bytes') controller.abort(new Error('enough'))
      }
      const how = {jobs, report, signal: controller.signal}
      const target = createMemoryStore('repository')
      await expect(ways[what](target, sharded, how)).rejects.toThrow('enough')
      expect(workers()).toBe(0)
    }
  })
})
