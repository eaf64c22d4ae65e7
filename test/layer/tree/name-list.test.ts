import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {createNameList} from '../../../src/layer/tree/name-list.js'

describe('a list of names', () => {
  it('gives back what was added, by its number', () => {
    const name = fc.string({
      unit: fc.integer({min: 0, max: 255}).map((c) => String.fromCharCode(c)),
    })
    fc.assert(
      fc.property(fc.array(name, {maxLength: 3000}), (names) => {
        const list = createNameList()
        expect(names.map((each) => list.add(each))).toEqual([...names.keys()])
        expect(list).toHaveLength(names.length)
        for (const [number, each] of names.entries()) expect(list.at(number)).toBe(each)
        expect(list.at(names.length)).toBe('')
      }),
      {numRuns: 20},
    )
  })

  it('holds more than one piece of memory, and names as long as paths can be', () => {
    const list = createNameList()
    const names = Array.from({length: 300}, (_, n) =>
      String.fromCharCode(n % 256).repeat(60_000 + n),
    )
    for (const name of names) list.add(name)
    for (const [number, name] of names.entries()) expect(list.at(number) === name).toBe(true)
  })
})
