import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {matchLayers} from '../../../src/operations/compare/match-layers.js'
import {makeLayer} from '../../support/images.js'

const layers = (names: string) => Array.from(names, (name) => makeLayer(name))

describe('the layers of two images', () => {
  it.each([
    ['abc', 'abx', 2],
    ['abc', 'bc', 2],
    ['abcd', 'dabc', 3],
    ['', 'ab', 0],
    ['aab', 'aba', 2],
  ])('%s and %s go together in their order', (first, second, pairs) => {
    const matched = matchLayers(layers(first), layers(second))
    expect(matched.filter((each) => each.first && each.second)).toHaveLength(pairs)
  })

  it('are all there, each once and in its order, whatever is equal', () => {
    const names = fc.stringMatching(/^[abc]{0,8}$/)
    fc.assert(
      fc.property(names, names, (first, second) => {
        const [one, other] = [layers(first), layers(second)]
        const matched = matchLayers(one, other)
        expect(matched.flatMap((each) => each.first ?? [])).toEqual(one)
        expect(matched.flatMap((each) => each.second ?? [])).toEqual(other)
        for (const each of matched)
          if (each.first && each.second) expect(each.first.diffId).toBe(each.second.diffId)
      }),
    )
  })

  it('are equal by diff ID where they were recompressed', () => {
    const [layer] = layers('a')
    if (!layer) throw new Error('one layer')
    const digest = makeLayer('other').descriptor.digest
    const again = {...layer, descriptor: {...layer.descriptor, digest}}
    expect(matchLayers([layer], [again])).toEqual([{first: layer, second: again}])
  })
})
