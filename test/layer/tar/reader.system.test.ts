import {execa} from 'execa'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import type {Entry} from '../../../src/layer/entry.js'
import {createTarReader} from '../../../src/layer/tar/reader.js'
import {
  shortLong,
  shortPax,
  withField,
  archive,
  base256,
  directory,
  file,
  hardlink,
  long,
  member,
  pax,
  paxRecord,
  type RawMember,
  symlink,
} from '../../support/tar-fixtures.js'
import {runs} from '../../support/property-runs.js'

interface Read {
  readonly entry: Entry
  readonly content: string
}

function read(bytes: Uint8Array, {chunk = bytes.length, entries = 1000} = {}): Read[] {
  const found: {entry: Entry; content: string; ended: boolean}[] = []
  const reader = createTarReader(
    {
      entry: (entry) => void found.push({entry, content: '', ended: false}),
      data(part) {
        found.at(-1)!.content += Buffer.from(part).toString('latin1')
      },
      entryEnd() {
        found.at(-1)!.ended = true
      },
    },
    {entries},
  )
  for (let at = 0; at < bytes.length; at += chunk) reader.write(bytes.subarray(at, at + chunk))
  reader.end()
  expect(found.every(({ended}) => ended)).toBe(true)
  return found.map(({entry, content}) => ({entry, content}))
}

const only = (...members: Buffer[]): Entry => {
  const found = read(archive(...members))
  expect(found).toHaveLength(1)
  return found[0]!.entry
}

const corrupt: unknown = expect.objectContaining({code: 'ERR_INJECT_LAYER_CORRUPT'})
const thrownBy = (work: () => unknown): unknown => {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}
const refuses = (...members: Buffer[]): void => {
  expect(thrownBy(() => read(archive(...members)))).toEqual(corrupt)
}

describe('createTarReader', () => {
  const mixed = archive(
    directory('d/', {mode: 0o2755, uid: 7, gid: 8, mtime: 1_700_000_000}),
    file('d/empty'),
    file('d/small', 'content'),
    file('d/block', 'b'.repeat(512)),
    file('d/more', 'm'.repeat(1300), {mode: 0o4711}),
    symlink('d/link', '../else'),
    hardlink('d/hard', 'd/small'),
    member({name: 'fifo', type: '6'}),
    member({name: 'null', type: '3', major: 1, minor: 3}),
    member({name: 'disk', type: '4', major: 8, minor: 0}),
    pax({path: 'long'.repeat(60), 'SCHILY.xattr.user.a': Buffer.of(0, 10, 255)}),
    file('cut', 'last'),
  )

  it('tells every kind of entry, its content and what it carries', () => {
    const found = read(mixed)
    expect(found.map(({entry: {kind, path}, content}) => [kind, path, content.length])).toEqual([
      ['directory', 'd/', 0],
      ['file', 'd/empty', 0],
      ['file', 'd/small', 7],
      ['file', 'd/block', 512],
      ['file', 'd/more', 1300],
      ['symlink', 'd/link', 0],
      ['hardlink', 'd/hard', 0],
      ['fifo', 'fifo', 0],
      ['character-device', 'null', 0],
      ['block-device', 'disk', 0],
      ['file', 'long'.repeat(60), 4],
    ])
    expect(found[0]!.entry).toEqual({
      kind: 'directory',
      path: 'd/',
      mode: 0o2755,
      uid: 7,
      gid: 8,
      mtime: 1_700_000_000,
      xattrs: undefined,
    })
    expect(found[5]!.entry).toMatchObject({target: '../else'})
    expect(found[6]!.entry).toMatchObject({target: 'd/small'})
    expect(found[8]!.entry).toMatchObject({major: 1, minor: 3})
    expect(found[10]!.entry.xattrs).toEqual(new Map([['user.a', Buffer.of(0, 10, 255)]]))
    expect(found[1]!.entry.xattrs).toBeUndefined()
  })

  it.each([1, 7, 511, 512, 513, 1000])('tells the same in chunks of %i', (chunk) => {
    expect(read(mixed, {chunk})).toEqual(read(mixed))
  })

  it('L36 takes empty archives: two blocks of zeros, twenty, and no bytes at all', () => {
    expect(read(Buffer.alloc(1024))).toEqual([])
    expect(read(Buffer.alloc(10_240))).toEqual([])
    expect(read(Buffer.alloc(0))).toEqual([])
  })

  it('L37 refuses an archive without an end marker, or with half of one', () => {
    for (const zeros of [0, 1, 511, 512, 1023]) {
      const bytes = Buffer.concat([file('a', 'x'), Buffer.alloc(zeros)])
      expect(
        thrownBy(() => read(bytes)),
        `${zeros} zeros`,
      ).toEqual(corrupt)
    }
    expect(thrownBy(() => read(Buffer.alloc(512)))).toEqual(corrupt)
    expect(thrownBy(() => read(Buffer.alloc(100)))).toEqual(corrupt)
  })

  it('refuses an archive that is cut anywhere', () => {
    for (let end = 1; end < mixed.length; end += end % 512 === 1 ? 255 : 1) {
      expect(
        thrownBy(() => read(mixed.subarray(0, end))),
        `cut at ${end}`,
      ).toEqual(corrupt)
    }
  })

  it('T-28 L28 refuses anything but zeros behind the end marker', () => {
    const end = archive(file('a', 'x'))
    expect(read(Buffer.concat([end, Buffer.alloc(9000)]))).toHaveLength(1)
    expect(read(Buffer.concat([end, Buffer.alloc(3)]))).toHaveLength(1)
    for (const more of [
      file('b', 'y'),
      Buffer.of(1),
      Buffer.concat([Buffer.alloc(700), Buffer.of(1)]),
    ]) {
      expect(thrownBy(() => read(Buffer.concat([end, more])))).toEqual(corrupt)
    }
    refuses(file('a'), Buffer.alloc(512), file('b'))
  })

  it('L38 refuses a wrong checksum and takes one of signed bytes', () => {
    refuses(file('a', 'x', {checksum: 'wrong'}))
    const name = Buffer.from([0xe9, 0xff, 0x80])
    expect(only(member({name, checksum: 'signed'})).path).toBe('\u00e9\u00ff\u0080')
  })

  it('refuses what is not tar', () => {
    expect(thrownBy(() => read(Buffer.alloc(2048, 'some text')))).toEqual(corrupt)
  })

  describe('L39 names', () => {
    it('v7: directories by their slash only', () => {
      expect(only(member({name: 'd/', type: '\0', format: 'v7'}))).toMatchObject({
        kind: 'directory',
      })
      expect(only(member({name: 'f', type: '\0', format: 'v7', content: 'x'}))).toMatchObject({
        kind: 'file',
        size: 1,
      })
      expect(only(member({name: 'f', type: '7'}))).toMatchObject({kind: 'file'})
    })

    it('ustar: with a prefix; A11 GNU and v7: refused, since readers differ on what it is', () => {
      const prefix = 'p'.repeat(155)
      const name = 'n'.repeat(100)
      expect(only(member({name, prefix})).path).toBe(`${prefix}/${name}`)
      refuses(member({name, prefix, format: 'gnu'}))
      refuses(member({name, prefix: 'p', format: 'v7'}))
    })

    it('A11 what stands in the last block of an extended header behind its end is refused', () => {
      for (const type of ['L', 'K'] as const) {
        refuses(shortLong(type, 'safe.conf.d/evil.so', 9), symlink('x', 'y'))
        refuses(shortLong(type, 'safe.conf.d/evil.so', 10), symlink('x', 'y'))
      }
      refuses(shortPax({mtime: '1'}, {path: 'evil'}), file('a'))
      refuses(shortPax({}, {path: 'evil'}), file('a'))
      refuses(shortPax({comment: 'a'}, {mtime: '1'}, 'g'), file('a'))
      // nobody reads the padding of a file's content
      expect(only(member({content: 'ab', size: 1}))).toMatchObject({size: 1})
    })

    it('A11 invalid device numbers are refused, also where there is no device', () => {
      for (const at of [329, 337]) refuses(withField(file('a'), at, 'nonsense'))
      expect(only(withField(file('a'), 329, '0000000 '))).toMatchObject({kind: 'file'})
    })

    it('A11 a file with the name of a directory is refused, but in the form of v7', () => {
      refuses(file('d/'))
      refuses(member({name: 'd/', type: '7'}))
      refuses(member({name: 'd/', type: '\0', content: 'x'}))
      refuses(pax({path: 'd/'}), file('d'))
      refuses(long('L', 'd/'), file('d'))
      refuses(long('L', 'd'), member({name: 'd/', type: '\0', content: 'old'}))
      refuses(pax({path: 'd/'}), member({name: 'd', type: '\0'}))
    })

    it('A11 a link without a target is refused', () => {
      refuses(hardlink('a', ''))
      refuses(symlink('a', ''))
      refuses(hardlink('a', '\0b'))
    })

    it('A11 a NUL in a name by PAX is refused', () => {
      refuses(pax({path: 'safe\0/evil'}), file('a'))
      refuses(pax({linkpath: 'safe\0/evil'}), symlink('a', 'b'))
    })

    it('GNU: long names and link targets', () => {
      const path = 'a/'.repeat(2500) + 'f'
      expect(only(long('L', path), file('cut')).path).toBe(path)
      const linked = only(long('K', path), long('L', 'x/y'), symlink('cut', 'cut'))
      expect(linked).toMatchObject({path: 'x/y', target: path})
    })

    it('PAX: paths and link targets', () => {
      const path = `${'a'.repeat(249)}/`.repeat(20) + 'f'
      expect(only(pax({path}), file('cut')).path).toBe(path)
      expect(only(pax({linkpath: path}), symlink('x', 'cut'))).toMatchObject({target: path})
    })

    it('L41 as bytes, whatever they are', () => {
      for (const name of [
        'caf\u00e9',
        'a\nb',
        'a\tb',
        '*',
        '-rf',
        'n'.repeat(100),
        'end ',
        'C:..\\x',
        '\u00ff',
      ]) {
        expect(only(member({name: Buffer.from(name, 'latin1')})).path).toBe(name)
        expect(only(pax({path: Buffer.from(name, 'latin1')}), file('cut')).path).toBe(name)
      }
    })
  })

  describe('L40 numbers', () => {
    it.each([
      ['uid 4294967294 in base 256', {uidField: base256(4_294_967_294n, 8)}, {uid: 4_294_967_294}],
      ['a negative mtime in base 256', {mtimeField: base256(-1n, 12)}, {mtime: -1}],
      [
        'an mtime far away in base 256',
        {mtimeField: base256(250_000_000_000n, 12)},
        {mtime: 250_000_000_000},
      ],
      ['a size in base 256', {size: base256(3n, 12), content: 'abc'}, {size: 3}],
      ['a size with blanks', {size: Buffer.from('         3 \0'), content: 'abc'}, {size: 3}],
    ])('%s', (_, raw: RawMember, expected) => {
      expect(only(member(raw))).toMatchObject(expected)
    })

    it.each([
      ['1.999999999', 1],
      ['-1', -1],
      ['-1.5', -2],
      ['-0.5', -1],
      ['-1.000', -1],
      ['0', 0],
      ['4102444800.25', 4_102_444_800],
      ['12.', 12],
    ])('PAX mtime %s is %i', (mtime, seconds) => {
      expect(only(pax({mtime}), file('a')).mtime).toBe(seconds)
    })

    it('PAX owners, and what a header says of them where PAX does not', () => {
      expect(only(pax({uid: '4294967294'}), file('a', '', {uid: 1, gid: 2}))).toMatchObject({
        uid: 4_294_967_294,
        gid: 2,
      })
    })

    it.each([
      ['a negative size', {size: base256(-1n, 12)}],
      ['T-12 a very negative size', {size: base256(-(1n << 80n), 12)}],
      ['a size that no number holds', {size: base256(1n << 60n, 12)}],
      ['no size', {size: Buffer.alloc(12)}],
      ['a blank size', {size: Buffer.alloc(12, ' ')}],
      ['a size that is not a number', {size: Buffer.from('0000000001x\0')}],
      ['a decimal digit', {size: Buffer.from('00000000008\0')}],
      ['a minus sign', {size: Buffer.from('-0000000001\0')}],
      ['two numbers', {size: Buffer.from('000001 0001\0')}],
      ['a number behind a NUL', {size: Buffer.from('\0' + '0000000001\0')}],
      ['uid -1', {uidField: base256(-1n, 8)}],
      ['uid 4294967295', {uidField: base256(4_294_967_295n, 8)}],
      ['an mtime that no number holds', {mtimeField: base256(1n << 80n, 12)}],
      ['an mtime that no date holds', {mtimeField: base256(9_000_000_000_000n, 12)}],
    ])('refuses %s', (_, raw: RawMember) => {
      refuses(member(raw))
    })

    it.each([
      [{uid: '-1'}],
      [{uid: '1.5'}],
      [{gid: '4294967295'}],
      [{mtime: 'now'}],
      [{mtime: '1e9'}],
      [{mtime: '9'.repeat(14)}],
      [{mtime: ''}],
      [{path: ''}],
      [{size: ''}],
    ])('refuses PAX %j', (records) => {
      refuses(pax(records), file('a'))
    })
  })

  describe('T-11 L11 where readers differ', () => {
    const smuggled = file('smuggled')

    it('takes a PAX size for one that did not fit', () => {
      for (const size of [0, 0o77777777777, base256(8n, 12)]) {
        const found = read(
          archive(
            pax({size: '3'}),
            Buffer.concat([member({size}), Buffer.from('abc'), Buffer.alloc(509)]),
          ),
        )
        expect(found).toEqual([
          {entry: expect.objectContaining({size: 3}) as Entry, content: 'abc'},
        ])
      }
      expect(only(pax({size: '3'}), file('a', 'abc'))).toMatchObject({size: 3})
    })

    it.each([
      ['smaller', '0'],
      ['larger', '1024'],
      ['negative', '-512'],
      ['hexadecimal', '0x200'],
      ['octal of sorts', '512 '],
      ['with a sign', '+512'],
      ['a fraction', '512.0'],
      ['exponential', '5e2'],
      ['larger than any file', '9223372036854775808'],
      ['with a NUL', '512\0'],
    ])('refuses a PAX size that is %s', (_, size) => {
      refuses(pax({size}), file('a', 'x'.repeat(512)), smuggled)
    })

    it('does not apply a PAX size to the headers between', () => {
      const found = read(archive(pax({size: '4'}), long('L', 'name'), file('cut', 'four')))
      expect(found).toMatchObject([{entry: {path: 'name', size: 4}, content: 'four'}])
      refuses(pax({size: '1024'}), long('L', 'name'), file('cut', 'x'), smuggled)
    })

    it('refuses two extended headers of a kind', () => {
      refuses(pax({path: 'a'}), pax({path: 'b'}), file('c'))
      refuses(long('L', 'a'), long('L', 'b'), file('c'))
      refuses(long('K', 'a'), long('K', 'b'), symlink('c', 'd'))
      refuses(pax({path: 'a'}), pax({comment: 'b'}, 'g'), file('c'))
    })

    it('refuses two names for one thing', () => {
      refuses(pax({path: 'a'}), long('L', 'b'), file('c'))
      refuses(long('L', 'b'), pax({path: 'a'}), file('c'))
      refuses(long('K', 'b'), pax({linkpath: 'a'}), symlink('c', 'd'))
    })

    it('refuses an extended header without an entry', () => {
      refuses(file('a'), pax({path: 'b'}))
      refuses(file('a'), long('L', 'b'))
      expect(read(archive(file('a'), pax({comment: 'b'}, 'g')))).toHaveLength(1)
    })

    it('refuses content of what has none', () => {
      for (const type of ['1', '2', '3', '4', '5', '6']) {
        refuses(member({type, link: 'x', content: file('smuggled')}))
        refuses(pax({size: '512'}), member({type, link: 'x'}), smuggled)
      }
    })

    it('refuses long names with something behind their end', () => {
      refuses(member({type: 'L', content: 'a\0b\0'}), file('c'))
      refuses(member({type: 'L', content: '\0'}), file('c'))
      refuses(member({type: 'L', content: ''}), file('c'))
    })

    it('refuses a global header that names or sizes entries', () => {
      for (const records of [{path: 'a'}, {linkpath: 'a'}, {size: '1'}]) {
        refuses(pax(records, 'g'), file('b'))
      }
    })

    it('takes any number of global headers, and of records in one, without slowing down', () => {
      const many = Array.from({length: 40_000}, (_, index) => pax({[`comment${index}`]: 'x'}, 'g'))
      const records: Record<string, string> = {}
      for (let index = 0; index < 50_000; index++) records[`k${index}`] = 'x'
      const behind = Array.from({length: 2000}, (_, index) => file(`f${index}`))
      const start = performance.now()
      expect(read(archive(...many, ...behind), {entries: 100_000})).toHaveLength(2000)
      expect(read(archive(pax(records, 'g'), ...behind), {entries: 100_000})).toHaveLength(2000)
      // a second each is plenty; merging took minutes
      expect(performance.now() - start).toBeLessThan(10_000)
    })

    it('limits what global headers say of all entries', () => {
      const tooMuch = expect.objectContaining({
        name: 'LimitError',
        code: 'ERR_INJECT_GLOBAL_HEADERS_TOO_LARGE',
      }) as unknown
      const xattrs = (count: number, size: number, name: string): Buffer => {
        const records: Record<string, string> = {}
        for (let index = 0; index < count; index++)
          records[`SCHILY.xattr.user.${name}${index}`] = 'x'.repeat(size)
        return pax(records, 'g')
      }
      expect(only(xattrs(999, 1, 'a'), file('f')).xattrs?.size).toBe(999)
      expect(only(xattrs(900, 1, 'a'), xattrs(900, 2, 'a'), file('f')).xattrs?.size).toBe(900)
      expect(thrownBy(() => only(xattrs(1001, 1, 'a'), file('f')))).toEqual(tooMuch)
      expect(
        thrownBy(() => only(xattrs(10, 60_000, 'a'), xattrs(10, 60_000, 'b'), file('f'))),
      ).toEqual(tooMuch)
    })

    it('keeps nothing of an extended header but what is unpacked', () => {
      const records: Record<string, string> = {'SCHILY.xattr.user.a': 'kept'}
      for (let index = 0; index < 16; index++)
        records[`SCHILY.xattr.foo.${index}`] = 'x'.repeat(60_000)
      const {xattrs} = only(pax(records), directory('d/'))
      expect(xattrs).toEqual(
        new Map([
          ['user.a', Buffer.from('kept')],
          ['foo.0', Buffer.alloc(0)],
        ]),
      )
      // no view of the whole header
      for (const value of xattrs!.values()) expect(value.buffer.byteLength).toBe(value.length)
    })

    it('has one foreign attribute to warn of, a global one or an own', () => {
      const global = pax({'SCHILY.xattr.foo.a': '1', 'SCHILY.xattr.user.a': '1'}, 'g')
      const own = pax({'SCHILY.xattr.foo.b': '1', 'SCHILY.xattr.user.a': '2'})
      const [first, second] = read(archive(global, file('f'), own, file('g')))
      expect([...first!.entry.xattrs!.keys()].sort()).toEqual(['foo.a', 'user.a'])
      expect([...second!.entry.xattrs!.keys()].sort()).toEqual(['foo.a', 'user.a'])
      expect(second!.entry.xattrs!.get('user.a')).toEqual(Buffer.from('2'))
    })

    it('applies what else a global header says, unless the entry says otherwise', () => {
      const found = read(
        archive(
          pax({mtime: '5', comment: 'abc'}, 'g'),
          file('a'),
          pax({mtime: '6'}),
          file('b'),
          file('c'),
        ),
      )
      expect(found.map(({entry}) => entry.mtime)).toEqual([5, 6, 5])
    })

    it('refuses archives that only look like ustar', () => {
      const bytes = member({name: 'a', prefix: 'p'})
      bytes.write('ustar\u0001', 257, 'latin1')
      refuses(bytes)
    })
  })

  it('T-12 takes a numeric PAX path as text', () => {
    expect(only(pax({path: '12345'}), file('a')).path).toBe('12345')
  })

  describe('T-14 L14 sparse files and other kinds', () => {
    const regions = Object.fromEntries(
      Array.from({length: 1000}, (_, index) => [`GNU.sparse.offset.${index}`, String(index)]),
    )

    it.each([
      ['GNU', [member({type: 'S', format: 'gnu', size: 0})]],
      ['PAX 0.0', [pax(regions), file('a')]],
      ['PAX 0.1', [pax({'GNU.sparse.map': '0,1,'.repeat(10_000)}), file('a')]],
      [
        'PAX 1.0',
        [pax({'GNU.sparse.major': '1', 'GNU.sparse.realsize': '9223372036854775807'}), file('a')],
      ],
      ['star', [pax({'SCHILY.realsize': '1'}), file('a')]],
      ['of all entries', [pax({'GNU.sparse.major': '1'}, 'g'), file('a')]],
    ])('refuses %s sparse files', (_, members) => {
      expect(thrownBy(() => read(archive(...members)))).toMatchObject({
        name: 'PreconditionError',
        code: 'ERR_INJECT_SPARSE_UNSUPPORTED',
      })
    })

    it.each(['D', 'M', 'N', 'V', 'X', 'A', '8', '\u007f', '\u001b'])(
      'refuses the type %j',
      (type) => {
        expect(thrownBy(() => read(archive(member({type}))))).toMatchObject({
          name: 'PreconditionError',
          code: 'ERR_INJECT_ENTRY_TYPE_UNSUPPORTED',
        })
      },
    )
  })

  describe('T-13 T-22 limits', () => {
    const limit = (code: string, ...members: Buffer[]): void => {
      expect(thrownBy(() => read(archive(...members), {entries: 3}))).toMatchObject({
        name: 'LimitError',
        code,
      })
    }

    it('entries, global headers among them', () => {
      expect(read(archive(file('a'), file('b'), file('c')), {entries: 3})).toHaveLength(3)
      limit('ERR_INJECT_TOO_MANY_ENTRIES', file('a'), file('b'), file('c'), file('d'))
      const global = pax({comment: 'x'}, 'g')
      limit('ERR_INJECT_TOO_MANY_ENTRIES', global, global, global, global)
    })

    it('extended headers, before they are read', () => {
      for (const type of ['x', 'g', 'L', 'K']) {
        limit('ERR_INJECT_EXTENDED_HEADER_TOO_LARGE', member({type, size: 1024 * 1024 + 1}))
        limit('ERR_INJECT_EXTENDED_HEADER_TOO_LARGE', member({type, size: base256(1n << 50n, 12)}))
      }
    })

    it('attributes', () => {
      const key = (length: number): string => `SCHILY.xattr.user.${'n'.repeat(length - 5)}`
      expect(only(pax({[key(255)]: Buffer.alloc(65_536)}), file('a')).xattrs?.size).toBe(1)
      limit('ERR_INJECT_XATTR_TOO_LARGE', pax({[key(256)]: 'v'}), file('a'))
      limit('ERR_INJECT_XATTR_TOO_LARGE', pax({[key(10)]: Buffer.alloc(65_537)}), file('a'))
      limit('ERR_INJECT_XATTR_TOO_LARGE', pax({'SCHILY.xattr.': 'v'}), file('a'))
    })
  })

  describe('L46 large archives', () => {
    const gibibyte = 1024 ** 3

    it.each([
      ['in PAX', Buffer.concat([pax({size: String(9 * gibibyte)}), member({size: 0})])],
      ['in base 256', member({size: base256(BigInt(9 * gibibyte), 12)})],
    ])('one file of 9 GiB, its size %s', (_, header) => {
      let size = 0
      const reader = createTarReader(
        {
          entry: () => undefined,
          data: (part) => void (size += part.length),
          entryEnd: () => undefined,
        },
        {entries: 1},
      )
      reader.write(header)
      const chunk = Buffer.alloc(1024 * 1024)
      for (let index = 0; index < 9 * 1024; index++) reader.write(chunk)
      reader.write(Buffer.alloc(1024))
      reader.end()
      expect(size).toBe(9 * gibibyte)
    })

    it('a million empty files', () => {
      let count = 0
      const reader = createTarReader(
        {
          entry() {
            count++
          },
          data: () => undefined,
          entryEnd: () => undefined,
        },
        {entries: 1_000_000},
      )
      const thousand = Buffer.concat(Array.from({length: 1000}, (_, index) => file(`f${index}`)))
      for (let index = 0; index < 1000; index++) reader.write(thousand)
      reader.write(Buffer.alloc(1024))
      reader.end()
      expect(count).toBe(1_000_000)
    })
  })

  it('P10 any bytes: ends, and throws only what it says', () => {
    const hostile = fc.oneof(
      fc.uint8Array({maxLength: 3000}).map((bytes) => Buffer.from(bytes)),
      fc
        .tuple(
          fc.array(fc.tuple(fc.nat(mixed.length - 1), fc.nat(255)), {maxLength: 8}),
          fc.boolean(),
        )
        .map(([edits, resum]) => mutate(mixed, edits, resum)),
    )
    fc.assert(
      fc.property(hostile, fc.integer({min: 1, max: 2000}), (bytes, chunk) => {
        const error = thrownBy(() => read(bytes, {chunk}))
        if (error !== undefined) expect(error).toBeInstanceOf(InjectError)
      }),
    )
  })
})

/**
 * Some bytes changed; with checksums that are right again, so that more than the checksum is put to
 * the test.
 */
function mutate(
  bytes: Buffer,
  edits: readonly (readonly [number, number])[],
  resum: boolean,
): Buffer {
  const copy = Buffer.from(bytes)
  for (const [at, value] of edits) {
    copy[at] = value
    if (!resum) continue
    const block = copy.subarray(at - (at % 512), at - (at % 512) + 512)
    block.fill(0x20, 148, 156)
    const sum = block.reduce((total, byte) => total + byte, 0)
    block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  }
  return copy
}

describe('P11 GNU tar as a second reader', () => {
  /** Names as GNU tar lists them; `undefined` when it complains. */
  async function listed(bytes: Buffer): Promise<string[]> {
    const {stdout} = await execa('tar', ['--list', '--quoting-style=escape', '--file=-'], {
      input: bytes,
      env: {LC_ALL: 'C', TAR_OPTIONS: ''},
      reject: false,
    })
    return stdout === '' ? [] : stdout.split('\n').map((name) => name.replace(/\/$/, ''))
  }

  const size = fc.constantFrom('0', '1', '512', '513', '1024', '-1', '0x1', '')
  const name = fc.constantFrom(
    'a',
    'b/c',
    'dir/',
    'caf\u00e9',
    'sp ace',
    '-x',
    './d',
    'n'.repeat(99),
  )
  const content = fc.constantFrom(
    '',
    'x',
    'y'.repeat(512),
    'z'.repeat(700),
    file('inner', 'smuggled'),
  )
  const records = fc.record({path: name, size, mtime: fc.constant('1.5')}, {requiredKeys: []})
  const part = fc.oneof(
    {weight: 4, arbitrary: fc.tuple(name, content).map(([path, bytes]) => file(path, bytes))},
    {
      weight: 2,
      arbitrary: fc
        .tuple(name, content, fc.nat(1024))
        .map(([path, bytes, said]) => file(path, bytes, {size: said})),
    },
    {weight: 2, arbitrary: records.map((record) => pax(record))},
    records.map((record) => pax(record, 'g')),
    name.map((text) => long('L', text)),
    name.map((text) => long('K', text)),
    name.map((path) => directory(path)),
    fc
      .tuple(name, fc.constantFrom('1', '2', '5', '6', '7', '\0'))
      .map(([path, type]) => member({name: path, type, link: 'a'})),
    fc
      .tuple(name, content)
      .map(([path, bytes]) => member({name: path, content: bytes, format: 'v7', type: '\0'})),
    fc.constant(Buffer.alloc(512)),
    fc.constant(paxRecord('path', 'loose')),
  )

  it('lists the same names for every archive that we take', async () => {
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(part, {minLength: 1, maxLength: 5}), async (parts) => {
        const bytes = archive(...parts)
        let ours: string[]
        try {
          ours = read(bytes).map(({entry}) => entry.path.replace(/\/$/, ''))
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
          return
        }
        taken++
        const escaped = ours.map((path) =>
          path.replaceAll(
            /[\u0080-\u00ff]/g,
            (byte) => `\\${Buffer.from(byte, 'latin1')[0]!.toString(8)}`,
          ),
        )
        expect(await listed(bytes)).toEqual(escaped)
      }),
      {numRuns: runs(1.5)},
    )
    expect(taken).toBeGreaterThanOrEqual(runs(0.1))
  })
})
