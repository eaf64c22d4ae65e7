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
          parseLinks(text)
        },
      ),
    )
  })

  it.each(['<', '<a>', '<a>;', '<a>;b', '<a>;b="', ';', ' '])(
    'P10 reads a megabyte of %j at once',
    (bit) => {
      parseLinks(bit.repeat(1_000_000))
      parseLinks(`<a>${'; b'.repeat(300_000)}`)
      parseLinks(`<a>;b="${'\\'.repeat(300_000)}`)
      parseLinks(`<a>${' '.repeat(300_000)}`)
    },
  )
})
