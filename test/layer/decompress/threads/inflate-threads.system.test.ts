import {afterEach, describe, expect, it} from 'vitest'
import {
  type InflateThreads,
  startInflateThreads,
} from '../../../../src/layer/decompress/threads/inflate-threads.js'
import {type DigestAlgorithm, digestOf} from '../../../../src/oci/digest.js'
import {crc32} from 'node:zlib'
import {generated, noise, random} from '../../../support/generated-bytes.js'
import {ownBlock} from '../own-layer.js'

const started: InflateThreads[] = []
const start = (count: number, algorithm: DigestAlgorithm = 'sha256'): InflateThreads => {
  const threads = startInflateThreads(count, algorithm)
  started.push(threads)
  return threads
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((threads) => threads.close()))
})

const contents = Array.from({length: 40}, (_, number) =>
  generated(random(number), 1 + number * 6000),
)

describe('threads that inflate', () => {
  it.each([1, 2, 3, 8])('give blocks in order, and the digest, with %i', async (count) => {
    const threads = start(count)
    const putting = (async () => {
      for (const content of contents) expect(await threads.put(ownBlock(content))).toBe(true)
      threads.endBlocks()
    })()
    for (const content of contents) {
      const block = await threads.take()
      expect(block?.bytes.equals(content)).toBe(true)
      expect(block?.stored).toBe(ownBlock(content).length)
    }
    expect(await threads.take()).toBeUndefined()
    await putting
    const all = Buffer.concat(contents)
    expect(await threads.stop()).toEqual({crc: crc32(all), left: Buffer.alloc(0)})
    const more = noise(700_000)
    await threads.hash(more)
    expect(await threads.digest()).toBe(digestOf(Buffer.concat([all, more])))
  })

  it('give back what they were not to inflate, from the first such block on', async () => {
    const threads = start(2)
    const blocks = [...contents.slice(0, 3).map(ownBlock), Buffer.from('not deflate')]
    const last = ownBlock(contents[3]!)
    for (const block of [...blocks, last]) await threads.put(block)
    for (const content of contents.slice(0, 3))
      expect((await threads.take())?.bytes.equals(content)).toBe(true)
    expect(await threads.take()).toBeUndefined()
    expect(await threads.put(last)).toBe(false)
    const before = Buffer.concat(contents.slice(0, 3))
    const {crc, left} = await threads.stop()
    expect(crc).toBe(crc32(before))
    expect(left.equals(Buffer.concat([Buffer.from('not deflate'), last]))).toBe(true)
    await threads.hash(Buffer.from('in its place'))
    const all = Buffer.concat([before, Buffer.from('in its place')])
    expect(await threads.digest()).toBe(digestOf(all))
  })

  it.each([1, 3])(
    'inflate one layer after the other, whatever became of it, with %i',
    async (n) => {
      const threads = start(n)
      const foreign = Buffer.from('not deflate')
      for (const [number, odd] of [undefined, foreign, undefined, foreign].entries()) {
        if (number > 0) threads.beginLayer()
        const own = contents.slice(number * 9, number * 9 + (number === 3 ? 0 : 4))
        for (const content of own) await threads.put(ownBlock(content))
        if (odd) await threads.put(odd)
        threads.endBlocks()
        for (const content of own) expect((await threads.take())?.bytes.equals(content)).toBe(true)
        expect(await threads.take()).toBeUndefined()
        const {crc, left} = await threads.stop()
        expect([crc, left.toString()]).toEqual([crc32(Buffer.concat(own)), String(odd ?? '')])
        const more = noise(10_000 * number)
        await threads.hash(more)
        expect(await threads.digest()).toBe(digestOf(Buffer.concat([...own, more])))
      }
    },
  )

  it('reject all waits when a thread dies', async () => {
    const threads = start(1, 'no-digest' as DigestAlgorithm)
    await expect(threads.take()).rejects.toThrow('Digest method not supported')
    await expect(threads.hash(Buffer.alloc(1))).rejects.toThrow('Digest method not supported')
    expect(await threads.put(ownBlock(Buffer.of(1)))).toBe(false)
  })

  it('let go of anyone who waits for room when nobody takes blocks any more', async () => {
    const threads = start(1)
    const putting = (async () => {
      while (await threads.put(ownBlock(contents[5]!)));
      return 'done'
    })()
    await threads.take()
    threads.abandon()
    expect(await putting).toBe('done')
  })
})
