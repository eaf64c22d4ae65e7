import fc from 'fast-check'
import {expect, test} from 'vitest'
import {InjectError, UsageError} from '../../src/errors.js'
import {isSlotPath, parseSlotPath} from '../../src/image/slot-path.js'
import {thrownBy} from '../support/thrown-by.js'
import {runs} from '../support/property-runs.js'

test.each([
  ['/', '/'],
  ['//', '/'],
  ['/opt/models', '/opt/models'],
  ['/opt//models/', '/opt/models'],
  ['/a b/é/…', '/a b/é/…'],
  ['/..a/.b', '/..a/.b'],
  [`/${'x'.repeat(255)}`, `/${'x'.repeat(255)}`],
])('%s is the path %s', (text, path) => {
  expect(parseSlotPath(text)).toBe(path)
  expect(isSlotPath(path)).toBe(true)
})

test.each([
  '',
  'opt',
  './opt',
  '../opt',
  '/.',
  '/..',
  '/a/../b',
  '/a/./b',
  '/a\u0000',
  '/a\nb',
  '/\ud800',
  '/a/.wh.b',
  '/.wh..wh..opq',
  `/${'x'.repeat(256)}`,
  `/${'é'.repeat(128)}`,
  '/x'.repeat(2049),
])('%j is not a path of a slot', (text) => {
  expect(isSlotPath(text)).toBe(false)
  const error = thrownBy(() => parseSlotPath(text))
  expect(error).toBeInstanceOf(UsageError)
  expect(error.code).toBe('ERR_INJECT_SLOT_PATH_INVALID')
  expect(error.message).toMatch(/^not a path in an image: [\x20-\x7e…]*$/)
})

test('a path in another spelling is not a clean one', () => {
  expect(isSlotPath('/opt/')).toBe(false)
  expect(isSlotPath('//opt')).toBe(false)
})

test('P10 any string gives a clean path or an error of ours', () => {
  const text = fc
    .array(fc.oneof(fc.constantFrom('/', '.', '..', 'a', '\n'), fc.string({unit: 'binary'})))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (input) => {
      try {
        const path = parseSlotPath(input)
        expect(isSlotPath(path)).toBe(true)
        expect(parseSlotPath(path)).toBe(path)
      } catch (error) {
        expect(error).toBeInstanceOf(InjectError)
      }
    }),
    {numRuns: runs(2.5)},
  )
})
