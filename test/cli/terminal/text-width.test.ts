import fc from 'fast-check'
import {expect, it} from 'vitest'
import {fitText, textWidth} from '../../../src/cli/terminal/text-width.js'

it.each([
  ['plain', 5],
  ['näh', 3],
  ['na\u0308h', 3],
  ['日本', 4],
  ['한국', 4],
  ['ｆｕｌｌ', 8],
  ['🐳', 2],
  ['a\u200Db', 2],
])('measures %s', (text, width) => {
  expect(textWidth(text)).toBe(width)
})

it('cuts in the middle, and tears no character from its marks', () => {
  expect(fitText('publish: registry.example/team/app:v1', 21)).toBe('publish: r…eam/app:v1')
  expect(fitText('short', 5)).toBe('short')
  expect(fitText('日本語のなまえ', 7)).toBe('日本…え')
  expect(fitText('e\u0301e\u0301e\u0301e\u0301', 3)).toBe('e\u0301…e\u0301')
  expect(fitText('abc', 1)).toBe('…')
  expect(fitText('abc', 0)).toBe('')
})

it('never takes more columns than there are', () => {
  fc.assert(
    fc.property(fc.string({unit: 'grapheme'}), fc.nat(40), (text, columns) => {
      expect(textWidth(fitText(text, columns))).toBeLessThanOrEqual(columns)
    }),
  )
})
