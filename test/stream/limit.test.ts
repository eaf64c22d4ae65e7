import {expect, it} from 'vitest'
import {LimitError} from '../../src/errors.js'
import {limited, readAll, tooLarge} from '../../src/stream/limit.js'
import {streamOf} from '../../src/stream/bytes.js'

const bytes = (...list: number[]): Uint8Array => new Uint8Array(list)

it('reads up to the limit', async () => {
  const all = await readAll(streamOf(bytes(1, 2), bytes(), bytes(3)), 3, 'it')
  expect(all).toEqual(bytes(1, 2, 3))
  expect(await readAll(streamOf(), 0, 'it')).toEqual(bytes())
})

it('refuses the first byte beyond it, and hands nothing of that chunk on', async () => {
  const seen: number[] = []
  const read = async (): Promise<void> => {
    for await (const chunk of limited(streamOf(bytes(1, 2), bytes(3, 4)), 3, 'the thing'))
      seen.push(...chunk)
  }
  await expect(read()).rejects.toMatchObject({
    name: 'LimitError',
    code: 'ERR_INJECT_TOO_LARGE',
    message: 'the thing is larger than 3 bytes',
    expected: 3,
    found: 'more than 3',
  })
  expect(seen).toEqual([1, 2])
})

it('stops its source', async () => {
  let closed = false
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        await Promise.resolve()
        yield bytes(0)
      }
    } finally {
      closed = true
    }
  }
  await expect(readAll(endless(), 1000, 'it')).rejects.toBeInstanceOf(LimitError)
  expect(closed).toBe(true)
})

it('gives bytes that are the caller’s own', async () => {
  const chunk = bytes(1)
  const all = await readAll(streamOf(chunk), 1, 'it')
  chunk[0] = 9
  expect(all).toEqual(bytes(1))
})

it('says how large a thing says it is', () => {
  expect(tooLarge('it', 3, 7).found).toBe(7)
})
