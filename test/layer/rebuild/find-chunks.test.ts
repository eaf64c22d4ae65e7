import {randomBytes} from 'node:crypto'
import {expect, it} from 'vitest'
import {findChunks} from '../../../src/layer/rebuild/find-chunks.js'
import {digestOf} from '../../../src/oci/digest.js'
import {streamOf} from '../../../src/stream/bytes.js'

it('finds chunks at their places, by digest and size', async () => {
  const content = Buffer.concat([randomBytes(400_000), Buffer.alloc(5000), randomBytes(400_000)])
  const found = await findChunks(streamOf(content), content.length)
  expect(found.size).toBeGreaterThan(3)
  for (const [key, offset] of found) {
    const [digest, size] = key.split(' ')
    expect(digestOf(content.subarray(offset, offset + Number(size)))).toBe(digest)
  }
})

it('finds a file that is one chunk by its own digest, and nothing in an empty one', async () => {
  const text = Buffer.from('some text')
  expect([...(await findChunks(streamOf(text), 9))]).toEqual([[`${digestOf(text)} 9`, 0]])
  expect((await findChunks(streamOf(), 0)).size).toBe(0)
})

it('does not cut a file that is too large', async () => {
  expect((await findChunks(streamOf(Buffer.from('x')), 2 ** 40)).size).toBe(0)
})
