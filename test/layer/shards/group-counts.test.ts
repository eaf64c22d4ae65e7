import {describe, expect, it} from 'vitest'
import {createGroupCounts} from '../../../src/layer/shards/group-counts.js'

describe('names counted by what they are of', () => {
  it('leaves those of which a name is elsewhere', () => {
    const counts = createGroupCounts()
    for (let round = 1; round <= 2; round++) {
      for (let group = 0; group < 5000; group++) {
        expect(counts.next(group)).toBe(round)
        if (round === 2 && group !== 4321) counts.finish(group)
        else counts.put(group, 10 * group + round, 512)
      }
    }
    expect([...counts.unfinished()]).toEqual([{group: 4321, count: 2, last: 43_212, bytes: 512}])
  })
})
