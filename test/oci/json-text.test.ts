import fc from 'fast-check'
import {parseTree} from 'jsonc-parser'
import {expect, test} from 'vitest'
import {endOfString, endOfValue, membersOf, skipSpace, stringAt} from '../../src/oci/json-text.js'
import {runs} from '../support/property-runs.js'

test('members are found where they are', () => {
  const text = ' {"a" : [1,{"x":"}"}] ,\n"\\u0062":-1.5e+3,"c":{}}'
  const found = [...membersOf(text, 1)].map(({key, start, nameEnd, offset, end}) => [
    key,
    text.slice(start, nameEnd),
    text.slice(offset, end),
  ])
  expect(found).toEqual([
    ['a', '"a"', '[1,{"x":"}"}]'],
    ['b', '"\\u0062"', '-1.5e+3'],
    ['c', '"c"', '{}'],
  ])
})

test.each(['{}', '[]', '{ \n}', '[\t]', '"[1]"', '12', 'null'])('%j has no members', (text) => {
  expect([...membersOf(text, 0)]).toEqual([])
})

test.each(['"a\\"]"', '[[],"]",{}]', '{"}":{}}', 'null', 'true', '-0', '1E+400'])(
  'the value %s ends where it ends',
  (value) => {
    for (const after of ['', ',', ' ', '}', ']', '\n'])
      expect(endOfValue(value + after, 0)).toBe(value.length)
  },
)

test('a string without end ends beyond the text', () => {
  expect(endOfString('"ab', 0)).toBe(3)
  expect(endOfString('"ab\\', 0)).toBeGreaterThanOrEqual(4)
})

test('whitespace is JSON’s', () => {
  expect(skipSpace(' \t\r\n\u00a0', 0)).toBe(4)
  expect(skipSpace('  ', 0)).toBe(2)
})

test('strings are decoded as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.string({unit: 'binary'}), (value) => {
      const text = JSON.stringify(value)
      expect(stringAt(`x${text}`, 1, text.length + 1)).toBe(JSON.parse(text))
    }),
  )
})

test('agrees with another parser about where members are', () => {
  const space = fc.constantFrom(0, 1, '\t', 2)
  fc.assert(
    fc.property(
      fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
      space,
      (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        const others = parseTree(text)?.children ?? []
        const expected = others.map((node, position) => {
          const [name, content = node] =
            node.children && node.type === 'property' ? node.children : []
          const {offset, length} = content
          return [name ? (name.value as string) : position, node.offset, offset, offset + length]
        })
        expect(
          [...membersOf(text, 0)].map(({key, start, offset, end}) => [key, start, offset, end]),
        ).toEqual(expected)
      },
    ),
    {numRuns: runs(1.5)},
  )
})
