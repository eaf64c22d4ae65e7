import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {InjectError, IntegrityError, LimitError} from '../../src/errors.js'
import {documentLimit, parseDocument} from '../../src/oci/json.js'
import {freeForm} from '../../src/oci/known-members.js'
import {encode} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const parse = (text: string) => parseDocument(encode(text), 'it', freeForm)

describe('parseDocument', () => {
  test('gives the text as it was and the value', () => {
    const text = ' {"b": 1.0, "a": ["\\u0061"],\r\n"n":9007199254740993}\n'
    expect(parse(text)).toEqual({text, value: {b: 1, a: ['a'], n: 9007199254740992}})
  })

  test.each([
    ['M1 empty body', '', 'it is not JSON'],
    ['M2 null', 'null', 'it is not a JSON object'],
    ['M3 a list', '[]', 'it is not a JSON object'],
    ['M4 a string', '"x"', 'it is not a JSON object'],
    ['M5 truncated', '{"a": [1, 2', 'it is not JSON'],
    ['M5 truncated in an escape', '{"a\\', 'it is not JSON'],
    ['M6 trailing garbage', '{"a": 1} x', 'it is not JSON'],
    ['M7 byte order mark', '\uFEFF{}', 'it begins with a byte order mark'],
    ['T-59 NaN', '{"a": NaN}', 'it is not JSON'],
    ['T-59 a trailing comma', '{"a": 1,}', 'it is not JSON'],
    ['T-59 a comment', '{/* */}', 'it is not JSON'],
  ])('%s is refused', (_, text, message) => {
    const error = thrownBy(() => parse(text))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error).toMatchObject({code: 'ERR_INJECT_DOCUMENT_INVALID', message})
  })

  test('M8 UTF-16 is refused, with or without a mark', () => {
    for (const text of ['\uFEFF{"a":1}', '{"a":1}', '{"a":"é"}']) {
      const error = thrownBy(() => parseDocument(Buffer.from(text, 'utf16le'), 'it', freeForm))
      expect(error.code).toBe('ERR_INJECT_DOCUMENT_INVALID')
    }
  })

  test('M9 a byte that is not UTF-8 is refused', () => {
    const bytes = Buffer.concat([encode('{"a": "'), Buffer.from([0xe9]), encode('"}')])
    expect(thrownBy(() => parseDocument(bytes, 'it', freeForm))).toMatchObject({
      code: 'ERR_INJECT_DOCUMENT_INVALID',
      message: 'it is not UTF-8 text',
    })
  })

  test('M10 half of a surrogate pair, which Go reads as U+FFFD, is refused; a whole pair is text like any other', () => {
    for (const text of ['{"a": "\\ud800"}', '{"\\uDFFF": 1}', '{"a": ["\\udc00\\ud800"]}']) {
      expect(thrownBy(() => parse(text))).toMatchObject({code: 'ERR_INJECT_AMBIGUOUS_MEMBER'})
    }
    expect(parse('{"a": "\\ud83d\\ude00", "b": "\\\\ud800"}').value).toEqual({
      a: '😀',
      b: '\\ud800',
    })
  })

  test.each([
    ['lists', '{"a":' + '['.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000)],
    ['closed lists', `{"a":${'['.repeat(100)}${']'.repeat(100)}}`],
  ])('M11 %s too deep', (_, text) => {
    const error = thrownBy(() => parse(text))
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({code: 'ERR_INJECT_DOCUMENT_TOO_DEEP', expected: 100})
  })

  test('a hundred levels are not too deep, nor are brackets in strings or side by side', () => {
    expect(() => parse(`{"a":${'['.repeat(99)}${']'.repeat(99)}}`)).not.toThrow()
    expect(() => parse(`{"a":"${'['.repeat(1000)}\\"{{"}`)).not.toThrow()
    expect(() => parse(`{"a":[${'{},'.repeat(1000)}[]]}`)).not.toThrow()
  })

  test('M12 4 MiB exactly is read, M13 one byte more is not', () => {
    const filled = (size: number) => encode(`{"a":"${'x'.repeat(size - 8)}"}`)
    expect(parseDocument(filled(documentLimit), 'it', freeForm).text).toHaveLength(documentLimit)
    const error = thrownBy(() => parseDocument(filled(documentLimit + 1), 'it', freeForm))
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({
      code: 'ERR_INJECT_DOCUMENT_TOO_LARGE',
      expected: 4194304,
      found: 4194305,
    })
  })

  test.each([
    ['plain', '{"a": 1, "a": 1}', 'a'],
    ['far apart', '{"a": {"b": [{}, "x:y"]}, "c": 2, "a": null}', 'a'],
    ['one of them escaped', '{"layers": 1, "\\u006cayers": 2}', 'layers'],
    ['deep inside', '{"x": [{"y": {"k": 1, "k": 2}}]}', 'k'],
    ['empty', '{"": 1, "": 2}', ''],
    ['called __proto__', '{"__proto__": 1, "__proto__": 2}', '__proto__'],
    ['after a nested object', '{"a": {"b": 1}, "b": 2, "b": 3}', 'b'],
    ['with a quote', '{"a\\"": 1, "a\\u0022": 2}', 'a\\"'],
  ])('T-58 two members of one name: %s', (_, text, name) => {
    const error = thrownBy(() => parse(text))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error.code).toBe('ERR_INJECT_DUPLICATE_KEY')
    expect(error.message).toBe(`it has two members called "${name}" in one object`)
  })

  test('one name in several objects is not a duplicate', () => {
    expect(() => parse('{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}], "c": "a"}')).not.toThrow()
  })

  test('T-57 __proto__ and its like are plain members and change nothing', () => {
    const {value} = parse(
      '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}',
    )
    expect(Object.hasOwn(value, '__proto__')).toBe(true)
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  test('a number of a million digits is parsed', () => {
    expect(parse(`{"a": ${'9'.repeat(1_000_000)}}`).value['a']).toBe(Infinity)
  })

  test('the code for what is malformed is the caller’s choice', () => {
    const work = () =>
      parseDocument(encode('{'), 'the manifest', freeForm, 'ERR_INJECT_MANIFEST_INVALID')
    expect(thrownBy(work).code).toBe('ERR_INJECT_MANIFEST_INVALID')
  })

  test('agrees with JSON.parse on every object that it generates', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const text = JSON.stringify(value)
        expect(parse(text).value).toEqual(JSON.parse(text))
      }),
    )
  })

  test('P10 any bytes give a value or an error of ours', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ':',
      ',',
      '1',
      'a',
      ' ',
      '\u{1F600}',
      'null',
    )
    const bytes = fc.oneof(
      fc.uint8Array({maxLength: 200}),
      fc.array(pieces, {maxLength: 60}).map((parts) => encode(parts.join(''))),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          parseDocument(input, 'it', freeForm)
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      }),
    )
  })
})
