import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {twoColumns, wrapText} from '../../src/cli/help-layout.js'
import {textWidth} from '../../src/cli/terminal/text-width.js'

describe('a text', () => {
  it('is broken at blanks, and keeps its line ends', () => {
    expect(wrapText('one two three\n  four', 8)).toBe('one two\nthree\n  four')
  })

  it('breaks a word that is longer than a line after a sign in it, else anywhere', () => {
    expect(wrapText('set org.example.image.name', 14)).toBe('set org.\nexample.image.\nname')
    expect(wrapText('abcdefghij', 4)).toBe('abcd\nefgh\nij')
  })

  it('does not count what colours it', () => {
    const bold = (text: string) => `\u001B[1m${text}\u001B[22m`
    expect(wrapText(`${bold('one')} two`, 7)).toBe(`${bold('one')} two`)
  })

  it('loses no word and is never wider than it may be', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({min: 2, max: 40}), (text, width) => {
        const wrapped = wrapText(text, width)
        for (const line of wrapped.split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(width)
        expect(wrapped.replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''))
      }),
    )
  })
})

describe('names and texts', () => {
  it('stand beside each other', () => {
    const rows = [
      ['-a', 'first'],
      ['--long', 'one two three four five'],
    ] as const
    expect(twoColumns(rows, 24)).toBe('-a      first\n--long  one two three\n        four five')
  })

  it('stand below each other where a name would take too much room', () => {
    const rows = [
      ['--a', 'first'],
      ['--a-long-name=VALUE', 'second'],
    ] as const
    expect(twoColumns(rows, 30)).toBe('--a  first\n--a-long-name=VALUE\n     second')
  })

  it('leaves out rows of nothing', () => {
    expect(
      twoColumns(
        [
          ['a', undefined],
          [undefined, undefined],
        ],
        20,
      ),
    ).toBe('a')
  })
})
