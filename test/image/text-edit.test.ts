import fc from 'fast-check'
import {findNodeAtLocation, parseTree} from 'jsonc-parser'
import {describe, expect, test} from 'vitest'
import {editMembers, type JsonPath, removeMember, setMember} from '../../src/image/text-edit.js'
import {runs} from '../support/property-runs.js'

const insertMember = (text: string, path: JsonPath, value: unknown): string =>
  editMembers(text, [{kind: 'insert', path, value}])

describe('setMember', () => {
  test.each<[string, string, JsonPath, unknown, string]>([
    ['replaces a value', '{"a":1,"b":2}', ['a'], 'x', '{"a":"x","b":2}'],
    ['replaces the document', '{"a":1}', [], {b: 2}, '{"b":2}'],
    ['replaces a document that is not an object', '5', [], 6, '6'],
    ['adds a member', '{"a":1}', ['b'], 'x', '{"a":1,"b":"x"}'],
    ['adds a member to an empty object', '{}', ['b'], 'x', '{"b":"x"}'],
    [
      'adds a member with spaces as its neighbours have them',
      '{"a": 1, "c" : 2}',
      ['b'],
      'x',
      '{"a": 1, "c" : 2, "b": "x"}',
    ],
    ['appends to a list', '{"a":["x"]}', ['a', 1], 'y', '{"a":["x","y"]}'],
    ['appends to an empty list', '{"a":[]}', ['a', 0], 'y', '{"a":["y"]}'],
    ['appends where the list is null', '{"a":null}', ['a', 0], 'y', '{"a":["y"]}'],
    ['replaces an element', '{"a":[1,{"x":2},3]}', ['a', 1], {y: 1}, '{"a":[1,{"y":1},3]}'],
    [
      'C1 makes an object where null is',
      '{"config":{"Labels":null}}',
      ['config', 'Labels', 'a'],
      'b',
      '{"config":{"Labels":{"a":"b"}}}',
    ],
    [
      'C2 makes objects that are missing',
      '{"os":"linux"}',
      ['config', 'Labels', 'a'],
      'b',
      '{"os":"linux","config":{"Labels":{"a":"b"}}}',
    ],
    [
      'C3 makes objects where null is',
      '{"config":null,"os":1}',
      ['config', 'Labels', 'a'],
      'b',
      '{"config":{"Labels":{"a":"b"}},"os":1}',
    ],
    [
      'escapes names and values',
      '{"a":1}',
      ['"\n'],
      '\u0000\ud800é',
      '{"a":1,"\\"\\n":"\\u0000\\ud800é"}',
    ],
    [
      'sets a member called __proto__',
      '{"a":1}',
      ['__proto__', 'x'],
      1,
      '{"a":1,"__proto__":{"x":1}}',
    ],
    [
      'finds a member called __proto__',
      '{"__proto__":{"a":1}}',
      ['__proto__', 'a'],
      2,
      '{"__proto__":{"a":2}}',
    ],
    [
      'does not take what objects inherit for members',
      '{"a":{"b":1}}',
      ['a', 'constructor'],
      1,
      '{"a":{"b":1,"constructor":1}}',
    ],
    ['finds a name that is escaped in the text', '{"\\u0061":1}', ['a'], 2, '{"\\u0061":2}'],
    [
      'C16 keeps numbers as they are written',
      '{"n":[9007199254740993,1.0,1e2,-0,1E400],"a":1}',
      ['a'],
      2,
      '{"n":[9007199254740993,1.0,1e2,-0,1E400],"a":2}',
    ],
    [
      'C17 keeps the order of names like numbers',
      '{"b":1,"10":2,"9":3}',
      ['a'],
      2,
      '{"b":1,"10":2,"9":3,"a":2}',
    ],
    ['keeps whitespace around the document', ' \n{"a":1}\n\n', ['a'], 2, ' \n{"a":2}\n\n'],
    [
      'keeps what is odd',
      '{"a":"\\/\\u00e9é\u2028\ufeff","b" :\t[ ] , "c":1}',
      ['c'],
      2,
      '{"a":"\\/\\u00e9é\u2028\ufeff","b" :\t[ ] , "c":2}',
    ],
  ])('%s', (_, text, path, value, expected) => {
    const edited = setMember(text, path, value)
    expect(edited).toBe(expected)
    expect(setMember(edited, path, value)).toBe(edited)
  })

  test.each<[string, string, JsonPath, unknown]>([
    ['a text', '{"a": "\\u0062"}', ['a'], 'b'],
    ['a number', '{"a": 1.0}', ['a'], 1],
    ['an object in another order', '{"a": {"y": 2,  "x": 1}}', ['a'], {x: 1, y: 2}],
    ['a list', '{"a": [ ]}', ['a'], []],
    ['null', '{"a": null}', ['a'], null],
  ])('what is there already changes nothing: %s', (_, text, path, value) => {
    expect(setMember(text, path, value)).toBe(text)
  })

  test.each<[string, string, JsonPath]>([
    ['a member of a text', '{"a":"x"}', ['a', 'b']],
    ['a member of a list', '{"a":[1]}', ['a', 'b']],
    ['a member of an empty list', '{"a":[]}', ['a', 'b']],
    ['an element of an object', '{"a":{"b":1}}', ['a', 0]],
    ['an element beyond the end', '{"a":[1]}', ['a', 2]],
    ['a member below a number', '{"a":1}', ['a', 'b', 'c']],
  ])('throws rather than lose data: %s', (_, text, path) => {
    expect(() => setMember(text, path, 'x')).toThrow(TypeError)
  })

  test('C15 a pretty-printed document stays one', () => {
    const text =
      '{\n  "a": {\n    "b": 1\n  },\n  "list": [\n    {\n      "x": 1\n    }\n  ],\n  "empty": {}\n}\n'
    let edited = setMember(text, ['list', 1], {y: {z: []}})
    edited = setMember(edited, ['a', 'c'], 'it')
    edited = setMember(edited, ['empty', 'inside', 'deep'], true)
    edited = setMember(edited, ['new', 'Labels', 'k'], 'v')
    expect(edited).toBe(
      `${JSON.stringify({a: {b: 1, c: 'it'}, list: [{x: 1}, {y: {z: []}}], empty: {inside: {deep: true}}, new: {Labels: {k: 'v'}}}, null, 2)}\n`,
    )
  })

  test.each(['\t', '    ', ' '])('indents as the document does: %j', (indent) => {
    const before = {a: [{b: 1}], c: {d: null}}
    const after = {a: [{b: 1}, {e: {f: 1}}], c: {d: {g: 'h'}}}
    const text = JSON.stringify(before, null, indent)
    const edited = setMember(setMember(text, ['a', 1], {e: {f: 1}}), ['c', 'd', 'g'], 'h')
    expect(edited).toBe(JSON.stringify(after, null, indent))
  })

  test('ends lines as the document does', () => {
    const crlf = (value: unknown) => JSON.stringify(value, null, 2).replaceAll('\n', '\r\n')
    expect(setMember(crlf({a: {b: 1}}), ['c', 'd'], 'e')).toBe(crlf({a: {b: 1}, c: {d: 'e'}}))
  })

  test('what is on one line in a document of many lines stays on one', () => {
    const text = '{\n  "layers": [{"x": 1}],\n  "a": {"b": 1}\n}'
    const edited = setMember(setMember(text, ['layers', 1], {y: 1, z: 2}), ['a', 'c'], [1])
    expect(edited).toBe('{\n  "layers": [{"x": 1},{"y":1,"z":2}],\n  "a": {"b": 1,"c": [1]}\n}')
  })

  test('lines that are not indented are not a reason to indent', () => {
    expect(setMember('{\n"a":1\n}', ['b'], {c: 1})).toBe('{\n"a":1,\n"b":{"c":1}\n}')
    expect(setMember('{"a":[\n  1\n]}', ['a', 1], {c: 1})).toBe('{"a":[\n  1,\n  {"c":1}\n]}')
  })
})

describe('removeMember', () => {
  test.each<[string, string, [...JsonPath, string | number], string]>([
    ['the first of several', '{"a":1,"b":2}', ['a'], '{"b":2}'],
    ['the last', '{"a":1, "b":2 }', ['b'], '{"a":1 }'],
    [
      'one in the middle',
      '{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}',
      ['b'],
      '{\n  "a": 1,\n  "c": 3\n}',
    ],
    ['the only one', '{"a": {\n  "b": 1\n}}', ['a', 'b'], '{"a": {}}'],
    ['an element', '{"a": [1, {"x": 2}, 3]}', ['a', 1], '{"a": [1, 3]}'],
    ['one called __proto__', '{"a":1,"__proto__":{"x":1}}', ['__proto__'], '{"a":1}'],
    ['one that is not there', '{"a":1}', ['b'], '{"a":1}'],
    ['one that objects inherit', '{"a":1}', ['toString'], '{"a":1}'],
    ['one below what is not there', '{"a":null}', ['a', 'b', 'c'], '{"a":null}'],
  ])('%s', (_, text, path, expected) => {
    expect(removeMember(text, path)).toBe(expected)
  })
})

describe('properties', () => {
  test('P7 an edit leaves the source text of every other member as it was', () => {
    fc.assert(
      fc.property(
        documentText,
        fc.constantFrom('a', 'b', 'new'),
        fc.jsonValue(),
        (text, name, value) => {
          for (const edited of [setMember(text, [name], value), removeMember(text, [name])]) {
            expect(membersOf(edited, name)).toEqual(membersOf(text, name))
            expect(() => JSON.parse(edited) as unknown).not.toThrow()
          }
          const expected = JSON.parse(JSON.stringify(value)) as unknown
          expect(
            (JSON.parse(setMember(text, [name], value)) as Record<string, unknown>)[name],
          ).toEqual(expected)
          expect(Object.hasOwn(JSON.parse(removeMember(text, [name])) as object, name)).toBe(false)
        },
      ),
      {numRuns: runs(5)},
    )
  })

  test('P8 of two edits in one place the last one counts, to the byte', () => {
    const path = fc.constantFrom<JsonPath>(['a'], ['new'], ['new', 'deep', 'x'])
    fc.assert(
      fc.property(
        documentText,
        path,
        fc.jsonValue(),
        fc.jsonValue(),
        (text, [name = ''], first, second) => {
          // an equal value is left as it was written, so the first edit must not be what makes a
          // difference
          fc.pre(!Object.hasOwn(JSON.parse(text) as object, name))
          const path = name === 'new' ? ['new', 'deep', 'x'] : [name]
          expect(setMember(setMember(text, path, first), path, second)).toBe(
            setMember(text, path, second),
          )
          expect(removeMember(setMember(text, path, first), [name])).toBe(removable(text))
        },
      ),
      {numRuns: runs(5)},
    )
  })
})

/** An added member goes without a trace, but for the whitespace in an object that was empty. */
function removable(text: string): string {
  return text.replace(/^(\s*)\{\s*\}/, '$1{}')
}

/** The members of the outermost object as they are written, but for one. */
function membersOf(text: string, except: string): string[] {
  const members = parseTree(text)?.children ?? []
  return members
    .filter(({children}) => children?.[0]?.value !== except)
    .map(({offset, length}) => text.slice(offset, offset + length))
}

/** JSON as nobody writes it but somebody may: odd numbers, escapes, whitespace, order and names. */
const space = fc.stringMatching(/^([ \t]{0,2}|\r?\n[ \t]{0,4})$/)
const stringText = fc.oneof(
  fc.string({unit: 'binary', maxLength: 8}).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"\\u0041\\/"',
    '"\\ud800"',
    '"\u2028\u007f"',
    '"{[,:"',
    '"\\\\\\""',
    '""',
    '"\\u0000"',
  ),
)
const numberText = fc.constantFrom(
  '0',
  '-0',
  '1.0',
  '1e2',
  '1E+400',
  '-1e-9',
  '9007199254740993',
  '0.10',
  '123456789012345678901234567890',
)
const {value: valueText} = fc.letrec<{value: string}>((tie) => ({
  value: fc.oneof(
    {maxDepth: 3},
    stringText,
    numberText,
    fc.constantFrom('true', 'false', 'null', '[]', '{ }'),
    fc
      .tuple(fc.array(fc.tuple(space, tie('value'), space), {maxLength: 3}), space)
      .map(([items, end]) => `[${items.map((item) => item.join('')).join(',') || end}]`),
    fc
      .tuple(space, space, tie('value'))
      .map(([before, colon, value]) => `{${before}"__proto__"${colon}:${value}}`),
  ),
}))
const nameText = fc.constantFrom(
  '"a"',
  '"b"',
  '"c"',
  '"__proto__"',
  '"constructor"',
  '"10"',
  '"9"',
  '"é"',
  '"\\u0064"',
  '""',
)
const documentText = fc
  .tuple(
    fc.uniqueArray(fc.tuple(nameText, space, space, space, space, valueText), {
      maxLength: 6,
      selector: ([name]) => name,
    }),
    space,
    space,
  )
  .map(([members, before, after]) => {
    const texts = members.map(
      ([name, lead, colon, afterColon, end, value]) =>
        `${lead}${name}${colon}:${afterColon}${value}${end}`,
    )
    return `${before}{${texts.join(',')}}${after}`
  })

test('the documents of the properties are what they are meant to be', () => {
  fc.assert(fc.property(documentText, (text) => void JSON.parse(text)))
  const [text] = fc.sample(documentText, {numRuns: 1, seed: 1})
  expect(findNodeAtLocation(parseTree(text ?? '')!, [])?.type).toBe('object')
})

describe('insertMember', () => {
  test.each([
    ['{"a":[1,3]}', 1, '{"a":[1,2,3]}'],
    ['{"a":[1, 3]}', 1, '{"a":[1, 2, 3]}'],
    ['{"a":[3]}', 0, '{"a":[2,3]}'],
    ['{"a":[1]}', 1, '{"a":[1,2]}'],
    ['{"a":[]}', 0, '{"a":[2]}'],
    ['{\n  "a": [\n    1,\n    3\n  ]\n}', 1, '{\n  "a": [\n    1,\n    2,\n    3\n  ]\n}'],
    ['{\n  "a": [\n    3\n  ]\n}', 0, '{\n  "a": [\n    2,\n    3\n  ]\n}'],
  ])('into %s', (text, position, expected) => {
    expect(insertMember(text, ['a', position], 2)).toBe(expected)
  })

  test('an object over several lines, as its neighbours are', () => {
    const text = '{\n  "a": [\n    {\n      "b": 1\n    }\n  ]\n}'
    expect(insertMember(text, ['a', 0], {c: 2})).toBe(
      '{\n  "a": [\n    {\n      "c": 2\n    },\n    {\n      "b": 1\n    }\n  ]\n}',
    )
  })
})
