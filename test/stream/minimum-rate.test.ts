import {describe, expect, it} from 'vitest'
import {createMinimumRate} from '../../src/stream/minimum-rate.js'

describe('a minimum rate', () => {
  it('is looked at on the average of each window of waiting', () => {
    const rate = createMinimumRate({window: 1000, minimum: 100})
    expect(rate.count({bytes: 1, milliseconds: 900})).toBeUndefined()
    expect(rate.count({bytes: 99, milliseconds: 100})).toBeUndefined()
    expect(rate.count({bytes: 99, milliseconds: 1000})).toEqual({bytes: 99, milliseconds: 1000})
  })

  it('does not count what came before the window', () => {
    const rate = createMinimumRate({window: 1000, minimum: 100})
    expect(rate.count({bytes: 1e6, milliseconds: 1000})).toBeUndefined()
    expect(rate.count({bytes: 0, milliseconds: 1500})).toEqual({bytes: 0, milliseconds: 1500})
  })
})
