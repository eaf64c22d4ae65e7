import {describe, expect, it} from 'vitest'
import {ownDeflate} from '../../../src/layer/compress/codec.js'
import {
  type LayerThreads,
  layerThreads,
  smallLayers,
} from '../../../src/layer/pack/layer-threads.js'

/** Gives the threads back that `take` gives, and expects the next layer to get the same. */
async function expectKept(threads: LayerThreads, take: keyof LayerThreads & `take${string}`) {
  const first = await threads[take](ownDeflate, 1)
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
      await expectKept(threads, 'take')
    } finally {
      await threads.close()
    }
  })

  it('that hash are those that pack later', async () => {
    const threads = layerThreads(2)
    try {
      expect(await threads.takeToHash(ownDeflate, smallLayers - 1)).toBeUndefined()
      // what is only hashed does not count for what is packed
      expect(await threads.take(ownDeflate, smallLayers - 1)).toBeUndefined()
      await expectKept(threads, 'takeToHash')
    } finally {
      await threads.close()
    }
  })

  it('are not started for one job', async () => {
    expect(await layerThreads(1).take(ownDeflate, smallLayers)).toBeUndefined()
  })
})
