import {expect, it} from 'vitest'
import {similarName} from '../../../src/cli/terminal/similar-name.js'

const known = ['update', 'unpack', 'unpublish', 'save', 'serve', 'store check']

it.each([
  ['updat', 'update'],
  ['udpate', 'update'],
  ['UPDATE', 'update'],
  ['unpak', 'unpack'],
  ['sav', 'save'],
  ['store chek', 'store check'],
  ['unpub', 'unpublish'],
  ['delete', undefined],
  ['', undefined],
])('%j is near %s', (typed, name) => {
  expect(similarName(typed, known)).toBe(name)
})
