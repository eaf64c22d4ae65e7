import {expect, it} from 'vitest'
import {createFirstNames} from '../../../../src/layer/recording/rows/first-names.js'

it('the first name of a group stays, in whatever order groups come', () => {
  const names = createFirstNames()
  names.add(100_000, 'a/b')
  names.add(0, 'c')
  names.add(100_000, 'd')
  expect([100_000, 0, 1, 200_000].map((group) => names.at(group))).toEqual(['a/b', 'c', '', ''])
})
