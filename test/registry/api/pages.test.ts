import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {parseLinks} from '../../../src/registry/api/pages.js'

describe('parseLinks', () => {
  it.each([
    [undefined, []],
    ['', []],
    ['</v2/a/tags/list?last=b&n=2>; rel="next"', [['/v2/a/tags/list?last=b&n=2', ['next']]]],
    ['<x>;rel=next', [['x', ['next']]]],
    ['<x>; title="a, <b>; rel=no"; REL="Prev Next"', [['x', ['prev', 'next']]]],
    [
      '<a>; rel="prev", <b>; rel="next"',
      [
        ['a', ['prev']],
        ['b', ['next']],
      ],
    ],
    ['<a>', [['a', []]]],
    ['no link at all', []],
    ['<never ends; rel=next', []],
  ])('reads %j', (header, expected) => {
    expect(parseLinks(header).map(({target, relations}) => [target, relations])).toEqual(expected)
  })

  const bits = fc.constantFrom('<', '>', ';', ' rel', '=', '"', '\\', ',', 'next', ' ', 'x')
  it('P10 ends on any text and throws nothing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(bits, {maxLength: 200}).map((b) => b.join('')),
        ),
        (text) => {
          // a link takes the three characters `<x>` at least
          expect(parseLinks(text).length * 3).toBeLessThanOrEqual(text.length + 3)
        },
      ),
    )
  })

  it.each(['<', '<a>', '<a>;', '<a>;b', '<a>;b="', ';', ' '])(
    'P10 reads 16 KiB of a million times %j, and no more',
    (bit) => {
      const links = parseLinks(bit.repeat(1_000_000))
      expect(links).toEqual(parseLinks(bit.repeat(1_000_000).slice(0, 16 * 1024)))
    },
  )

  it.each([
    ['parameters', '; b'],
    ['backslashes in a quoted text', ';b="' + '\\'],
    ['spaces', ' '],
  ])('P10 reads one link before a megabyte of %s', (_, more) => {
    const [first, ...rest] = parseLinks(`<a>${more}${more.slice(-1).repeat(1_000_000)}`)
    expect(first).toEqual({target: 'a', relations: []})
    expect(rest).toEqual([])
  })
})
