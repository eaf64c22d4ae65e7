import fc from 'fast-check'
import {expect, it} from 'vitest'
import {groupedRanges} from '../../../src/layer/rebuild/range-groups.js'

const MiB = 1024 * 1024

it('asks once for places that lie together, and twice for those far apart', () => {
  const places = [
    {at: 0, end: 100},
    {at: 100, end: 200},
    {at: 300, end: 400},
    {at: 5000, end: 5001},
  ]
  expect([...groupedRanges(places)]).toEqual([
    {
      ranges: [
        {offset: 0, length: 400},
        {offset: 5000, length: 1},
      ],
      parts: [
        {range: 0, offset: 0, length: 100},
        {range: 0, offset: 100, length: 100},
        {range: 0, offset: 300, length: 100},
        {range: 1, offset: 0, length: 1},
      ],
    },
  ])
})

it('gives every byte once and in order, in groups of at most 4 MiB and 256 ranges', () => {
  const lengths = fc.oneof(fc.integer({min: 1, max: 2000}), fc.integer({min: 1, max: 9 * MiB}))
  const gaps = fc.oneof(fc.constantFrom(0, 1, 511, 512, 513), fc.nat(10_000))
  const list = fc.array(fc.tuple(gaps, lengths), {maxLength: 600})
  fc.assert(
    fc.property(list, (items) => {
      let end = 0
      const places = items.map(([gap, length]) => {
        const at = end + gap
        end = at + length
        return {at, end}
      })
      const found: [at: number, end: number][] = []
      for (const {ranges, parts} of groupedRanges(places)) {
        expect(ranges.length).toBeLessThanOrEqual(256)
        expect(ranges.reduce((sum, {length}) => sum + length, 0)).toBeLessThanOrEqual(4 * MiB)
        for (const {range, offset, length} of parts) {
          const {offset: start, length: room} = ranges[range]!
          expect(offset + length).toBeLessThanOrEqual(room)
          const last = found.at(-1)
          // a place may be in several parts
          if (last && last[1] === start + offset && !places.some(({at}) => at === last[1]))
            last[1] += length
          else found.push([start + offset, start + offset + length])
        }
      }
      expect(found).toEqual(places.map(({at, end}) => [at, end]))
    }),
  )
})
