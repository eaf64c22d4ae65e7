import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {InjectError, IntegrityError} from '../../../src/errors.js'
import {encodePaxRecords, parsePaxRecords} from '../../../src/layer/tar/pax-records.js'

const parse = (text: string | Buffer): [string, string][] =>
  [...parsePaxRecords(Buffer.from(text as string))].map(([keyword, value]) => [
    keyword,
    Buffer.from(value).toString('latin1'),
  ])

describe('parsePaxRecords', () => {
  it('gives the records in their order, values as bytes', () => {
    expect(parse('12 path=a/b\n' + '19 comment=a=b\nc d\n')).toEqual([
      ['path', 'a/b'],
      ['comment', 'a=b\nc d'],
    ])
    expect(
      parse(Buffer.concat([Buffer.from('9 path='), Buffer.of(0xff), Buffer.from('\n')])),
    ).toEqual([['path', '\u00ff']])
  })

  it('takes the last of equal keywords, and knows empty values and none at all', () => {
    expect(parse('9 path=a\n9 path=b\n')).toEqual([['path', 'b']])
    expect(parse('8 path=\n')).toEqual([['path', '']])
    expect(parse('')).toEqual([])
  })

  it.each([
    ['a length that is too large', '11 path=a\n'],
    ['a length that is too small', '8 path=a\n'],
    ['a length of zero', '0 path=a\n'],
    ['no length', ' path=a\n'],
    ['a sign', '+9 path=a\n'],
    ['leading zeros', '09 path=a\n'],
    ['a leading blank', ' 9 path=a\n'],
    ['a negative length', '-9 path=a\n'],
    ['a huge length', '99999999999999999999 path=a\n'],
    ['hexadecimal', '0x9 path=a\n'],
    ['no value', '7 path\n'],
    ['no keyword', '5 =a\n'],
    ['no newline', '9 path=ab'],
    ['the equals sign in the next record', '6 abc\n9 path=a\n'],
    ['a NUL in the keyword', '9 pa\0h=a\n'],
    ['a keyword that is not UTF-8', Buffer.from('9 pa\u00e9h=a\n', 'latin1')],
    ['zeros behind the records', '9 path=a\n\0\0'],
    ['only a number', '9'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(IntegrityError)
  })

  it('P10 any bytes: ends, and throws only what it says', () => {
    const line = fc
      .tuple(fc.nat(40), fc.string(), fc.string({unit: 'binary'}))
      .map(([length, keyword, value]) => Buffer.from(`${length} ${keyword}=${value}\n`))
    const bytes = fc.oneof(
      fc.uint8Array({maxLength: 300}).map((array) => Buffer.from(array)),
      fc.array(line, {maxLength: 5}).map((lines) => Buffer.concat(lines)),
    )
    fc.assert(
      fc.property(bytes, (input) => {
        try {
          parsePaxRecords(input)
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
        }
      }),
    )
  })
})

describe('encodePaxRecords', () => {
  it('is what parsePaxRecords reads, at every length about which the digits change', () => {
    for (let length = 0; length < 1100; length++) {
      const value = 'v'.repeat(length)
      expect(parse(Buffer.from(encodePaxRecords([['k', value]])))).toEqual([['k', value]])
    }
  })

  it('keeps every keyword and value', () => {
    const keyword = fc
      .string({minLength: 1, unit: 'binary'})
      .filter((text) => !/[=\0]/.test(text) && text.isWellFormed())
    const records = fc.uniqueArray(fc.tuple(keyword, fc.uint8Array({maxLength: 200})), {
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(records, (input) => {
        const parsed = parsePaxRecords(encodePaxRecords(input))
        expect([...parsed].map(([key, value]) => [key, Buffer.from(value)])).toEqual(
          input.map(([key, value]) => [key, Buffer.from(value)]),
        )
      }),
    )
  })

  it('takes texts for bytes', () => {
    expect(Buffer.from(encodePaxRecords([['path', '\u00e9']])).toString('latin1')).toBe(
      '9 path=\u00e9\n',
    )
  })

  it.each(['', 'a=b', 'a\0'])('refuses the keyword %j', (keyword) => {
    expect(() => encodePaxRecords([[keyword, 'v']])).toThrow(RangeError)
  })
})
