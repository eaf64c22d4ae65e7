import {mkdirSync, readdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {withBlockCache} from '../../src/layer/compress/block-cache-file.js'
import {openMemoryFile} from '../../src/layer/memory/memory-file.js'
import {update} from '../../src/operations/update.js'
import type {ContentStore} from '../../src/store/content-store.js'
import {createMemoryStore} from '../../src/store/memory-store.js'
import {operationPorts} from '../support/operation-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {tempDir} from '../support/temp-dir.js'
import {type UpdateOptions, updateRequest} from '../support/update-options.js'

/**
 * An image in memory, a directory, and an update of one by the other that remembers trees and
 * blocks.
 */
async function start() {
  const store = createMemoryStore('repository')
  await putImage(store, {layers: [{entries: [makeEntry('etc/')]}]})
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 300; i++)
    writeFileSync(join(tree, `file${i}`), Buffer.alloc(5000 + i, `${i} `))
  const memory = {folder: join(folder, 'trees'), now: () => Date.now() + 3_600_000}
  let found = 0
  const run = (more: Partial<UpdateOptions> = {}, at: ContentStore = store) => {
    const ports = operationPorts(at)
    return {
      ...ports,
      result: update(updateRequest({directory: tree, ...more}), {
        ...ports,
        jobs: 1,
        openMemory: (place) => openMemoryFile(place, memory),
        withBlockCache: (identity, work) =>
          withBlockCache(
            {folder: join(folder, 'blocks'), identity, limit: 1e9, onNotice: () => undefined},
            (cache) =>
              work(
                cache && {
                  ...cache,
                  get: (key) => {
                    const bytes = cache.get(key)
                    if (bytes) found++
                    return bytes
                  },
                },
              ),
          ),
      }),
    }
  }
  const steps = async (more: Partial<UpdateOptions> = {}) => {
    const {events, result} = run(more)
    const {changed} = await result
    return {changed, steps: events.flatMap((event) => (event.kind === 'step' ? [event.step] : []))}
  }
  return {folder, tree, store, run, steps, found: () => found}
}

describe('an update that remembers', () => {
  it.each([undefined, 8] as const)(
    'reads nothing when the directory looks as it did (layers: %s)',
    async (layers) => {
      const {tree, steps} = await start()
      const more = layers ? {layers} : {}
      expect((await steps(more)).changed).toBe(true)
      const again = await steps(more)
      expect(again.changed).toBe(false)
      expect(again.steps).not.toContain('compare')
      expect(again.steps).not.toContain('pack and push')
      writeFileSync(join(tree, 'file7'), 'other')
      expect((await steps(more)).changed).toBe(true)
      expect((await steps(more)).changed).toBe(false)
    },
  )

  it('and what it is packed for is another: reads it', async () => {
    const {steps} = await start()
    await steps()
    expect(await steps({path: '/opt'})).toMatchObject({changed: true})
    expect(await steps({path: '/opt', owner: {uid: 1, gid: 1}})).toMatchObject({changed: true})
  })

  it('forgets nothing that changed between two rounds of one update', async () => {
    const {tree, store, run, steps} = await start()
    let puts = 0
    const moving: ContentStore = {
      ...store,
      async putManifest(bytes, mediaType, options) {
        if (puts++ > 0) return store.putManifest(bytes, mediaType, options)
        // after the directory was packed somebody else moves the tag, and the directory changes
        writeFileSync(join(tree, 'file7'), 'other')
        await putImage(store, {layers: [{entries: [makeEntry('usr/')]}]})
        return store.putManifest(bytes, mediaType, options)
      },
    }
    const {result} = run({onConflict: 'retry'}, moving)
    expect((await result).changed).toBe(true)
    expect(puts).toBe(2)
    expect((await steps()).changed).toBe(true)
    expect((await steps()).changed).toBe(false)
  })

  it('compresses only the blocks that changed, to the same bytes', async () => {
    const {folder, tree, run, found} = await start()
    await run().result
    writeFileSync(join(tree, 'file7'), 'other')
    const {layer} = (await run().result) as {layer: {digest: string}}
    expect(found()).toBeGreaterThan(2)
    expect(readdirSync(join(folder, 'blocks'))).toHaveLength(1)
    const other = await start()
    writeFileSync(join(other.tree, 'file7'), 'other')
    const one = (await other.run({created: 1_700_000_000, level: 1}).result) as {
      layer: {digest: string}
    }
    const two = (await run({created: 1_700_000_000, level: 1}).result) as typeof one
    expect(one.layer.digest).toBe(two.layer.digest)
    expect(one.layer.digest).not.toBe(layer.digest)
  })
})
