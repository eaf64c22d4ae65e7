import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {shownName} from '../../../../src/cli/render/text/shown-name.js'
import {namedPath} from '../../../../src/operations/compare/named-path.js'

describe('a path on one line', () => {
  it.each([
    ['usr/bin/ls', 'usr/bin/ls'],
    ['a b', 'a b'],
    [' a', '" a"'],
    ['line\nbreak', '"line\\u{a}break"'],
    ['\x1b[31m', '"\\u{1b}[31m"'],
    ['back\\slash', '"back\\\\slash"'],
  ])('%j is shown as %s', (path, shown) => {
    expect(shownName({path})).toBe(shown)
  })

  it('shows bytes that are not UTF-8 by their numbers', () => {
    expect(shownName(namedPath('caf\xe9'))).toBe('"caf\\xe9"')
    expect(shownName(namedPath('caf\xc3\xa9'))).toBe('café')
  })

  it('never looks like another one, and never steers a terminal', () => {
    const bytes = fc
      .array(fc.integer({min: 1, max: 255}), {maxLength: 6})
      .map((codes) => String.fromCharCode(...codes))
    fc.assert(
      fc.property(bytes, bytes, (one, other) => {
        const [first, second] = [one, other].map((path) => shownName(namedPath(path)))
        expect(first === second).toBe(one === other)
        expect(first).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
      }),
    )
  })
})
