import {expect, it} from 'vitest'
import {FloatList, LongList, WordList} from '../../src/layer/number-lists.js'

it.each([
  ['words', () => new WordList(), 2 ** 32 - 1],
  ['floats', () => new FloatList(), 2 ** 53 - 1],
])('%s are where they were put, and 0 elsewhere', (_, create, most) => {
  const list = create()
  expect([list.length, list.at(0), list.at(1_000_000)]).toEqual([0, 0, 0])
  list.put(50_000, most)
  list.push(7)
  list.put(8191, 1)
  list.put(8192, 2)
  expect(list.length).toBe(50_002)
  const places = [0, 8190, 8191, 8192, 8193, 50_000, 50_001, 50_002]
  expect(places.map((at) => list.at(at))).toEqual([0, 0, 1, 2, 0, most, 7, 0])
})

it('numbers of 64 bits are there in their order, over several pieces', () => {
  const list = new LongList()
  for (let at = 0; at < 20_000; at++) list.push(2n ** 63n + BigInt(at))
  expect(list.length).toBe(20_000)
  for (const at of [0, 8191, 8192, 19_999]) expect(list.at(at)).toBe(2n ** 63n + BigInt(at))
  expect(list.at(20_000)).toBe(0n)
})
