import {describe, expect, it} from 'vitest'
import {createEarlierNames} from '../../../src/layer/shards/earlier-names.js'

describe('names that wait for others', () => {
  it('are given in the order that they came in, once', () => {
    const names = createEarlierNames<number>()
    for (let number = 0; number < 9000; number++)
      names.add(number % 3000, {name: `name ${number}`, place: number})
    expect(names.size).toBe(3000)
    expect(names.count(17)).toBe(3)
    expect(names.take(17).map(({name}) => name)).toEqual(['name 17', 'name 3017', 'name 6017'])
    expect(names.take(17)).toEqual([])
    expect(names.count(17)).toBe(0)
    names.add(17, {name: 'later', place: 1})
    expect(names.take(17)).toEqual([{name: 'later', place: 1}])
    expect(names.size).toBe(2999)
    expect(names.take(1_000_000)).toEqual([])
  })
})
