import {expect, it} from 'vitest'
import {normalisePath} from '../../src/layer/normalise-path.js'

it.each([
  ['a/b', 'a/b'],
  ['./a//b/', 'a/b'],
  ['/a/./b', 'a/b'],
  ['.hidden/..data', '.hidden/..data'],
  ['a/b/', 'a/b'],
  ['', undefined],
  ['./', undefined],
  ['../a', undefined],
  ['a/../b', undefined],
])('%j in its one form is %j', (path, one) => {
  expect(normalisePath(path)).toBe(one)
})
