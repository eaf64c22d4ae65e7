import {beforeAll, describe, expect, it} from 'vitest'
import {holdEntries} from '../../../src/layer/recording/held-entries.js'
import {ownDeflate} from '../../../src/layer/compress/codec.js'
import {
  type LayerThreads,
  layerThreads,
  smallLayers,
} from '../../../src/layer/pack/layer-threads.js'
import {countWorkers} from '../../support/thread-count.js'

const {workers, begin} = countWorkers()
beforeAll(begin)

/** Without entries, though they say that they take so many bytes of tar. */
const rowsOf = (tarBytes: number) => ({
  rows: {...holdEntries().rows(), tarBytes},
  onWarning: () => undefined,
})

/** Gives the threads back that `take` gives, and expects the next layer to get the same. */
async function expectKept(threads: LayerThreads) {
  const first = await threads.take(ownDeflate, 1)
  if (!first) throw new Error('there are no threads')
  await threads.giveBack(first)
  expect(await threads.take(ownDeflate, 1)).toBe(first)
  await threads.giveBack(first)
}

describe('the threads of layers', () => {
  it('are started when all layers so far are worth it, and then serve small ones, too', async () => {
    const threads = layerThreads(2)
    try {
      expect(await threads.take(ownDeflate, smallLayers - 1)).toBeUndefined()
      await expectKept(threads)
      const ended = await threads.take(ownDeflate, 1)
      if (!ended) throw new Error('there are no threads')
      await threads.giveBack(ended)
      await ended.close()
      const again = await threads.take(ownDeflate, 1)
      expect(again).not.toBe(ended)
      if (again) await threads.giveBack(again)
    } finally {
      await threads.close()
    }
  })

  it('start before the layer that is worth it is asked for, and are what it gets', async () => {
    const threads = layerThreads(2, 'rows')
    try {
      await threads.prepare(ownDeflate, smallLayers - 1)
      expect(workers()).toBe(0)
      await threads.prepare(ownDeflate, smallLayers)
      expect(workers()).toBe(2)
      await threads.prepare(ownDeflate, smallLayers)
      const taken = await threads.take(ownDeflate, smallLayers)
      if (!taken) throw new Error('there are no threads')
      expect(workers()).toBe(2)
      await threads.giveBack(taken)
    } finally {
      await threads.close()
    }
    const none = layerThreads(1)
    await none.prepare(ownDeflate, smallLayers)
    expect(workers()).toBe(0)
  })

  it('count what is only hashed apart from what is packed', async () => {
    const threads = layerThreads(2, 'rows')
    try {
      expect(await threads.hash(rowsOf(smallLayers - 1))).toBeUndefined()
      expect(await threads.take(ownDeflate, smallLayers - 1)).toBeUndefined()
      expect(await threads.hash(rowsOf(1))).toMatchObject({size: 1024})
      await expectKept(threads)
    } finally {
      await threads.close()
    }
  })

  it('that hash all start at once for layers that are known to be large', async () => {
    const threads = layerThreads(3, 'rows')
    try {
      await threads.expect(32 * 1024 * 1024 - 1)
      expect(workers()).toBe(0)
      await threads.expect(32 * 1024 * 1024)
      expect(workers()).toBe(3)
      expect(await threads.hash(rowsOf(1))).toMatchObject({size: 1024})
      expect(workers()).toBe(3)
    } finally {
      await threads.close()
    }
    expect(workers()).toBe(0)
  })

  it('are not started for one job', async () => {
    const threads = layerThreads(1)
    await threads.expect(32 * 1024 * 1024)
    expect(workers()).toBe(0)
    expect(await threads.take(ownDeflate, smallLayers)).toBeUndefined()
    expect(await threads.hash(rowsOf(smallLayers))).toBeUndefined()
    expect(threads.mostHashed).toBe(0)
  })

  it('that hash are one for each job, and four at most', () => {
    expect([2, 3, 16].map((jobs) => layerThreads(jobs).mostHashed)).toEqual([2, 3, 4])
  })
})
