import {
  archive,
  base256,
  directory,
  file,
  hardlink,
  long,
  member,
  pax,
  paxRecord,
  signed,
  symlink,
} from './tar-fixtures.js'

type Random = () => number

/**
 * An archive of a few entries of all kinds in which one to three things are odd; a last entry shows
 * whether readers lose their way.
 */
export function tarMutant(random: Random): Buffer {
  const members = Array.from({length: 1 + below(random, 3)}, () => oneOf(random, samples)(random))
  for (let left = 1 + below(random, 3); left > 0; left--) {
    const at = below(random, members.length)
    const changed = oneOf(random, changes)(Buffer.from(members[at] ?? ''), random)
    members[at] = changed
  }
  return archive(...members, file('last', 'end'))
}

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

function oneOf<T>(random: Random, choices: readonly T[]): T {
  const choice = choices[below(random, choices.length)]
  if (choice === undefined) throw new RangeError('nothing to choose from')
  return choice
}

const names = ['a', 'dir/b', 'c/', './d', 'n'.repeat(100), 'safe.conf', 'é', 'x y', '/abs', 'e//f']
const name = (random: Random): string => oneOf(random, names)
const formats = ['ustar', 'gnu', 'v7'] as const

const samples: readonly ((random: Random) => Buffer)[] = [
  (random) => file(name(random), 'x'.repeat(below(random, 3) * 300)),
  (random) =>
    member({name: name(random), type: '\0', format: oneOf(random, formats), content: 'old'}),
  (random) => directory(`${name(random)}/`.slice(-100), {format: oneOf(random, formats)}),
  (random) => symlink(name(random), name(random)),
  (random) => hardlink(name(random), name(random)),
  (random) => member({name: name(random), prefix: name(random), content: 'with a prefix'}),
  (random) => member({name: 'device', type: oneOf(random, ['3', '4', '6']), major: 1, minor: 2}),
  (random) =>
    Buffer.concat([
      long('L', `${name(random)}/${'l'.repeat(below(random, 600))}`),
      file('cut', 'x'),
    ]),
  (random) =>
    Buffer.concat([
      long('K', `${name(random)}${'k'.repeat(below(random, 600))}`),
      symlink(name(random), 'cut'),
    ]),
  (random) =>
    Buffer.concat([long('L', name(random)), long('K', name(random)), hardlink('cut', 'cut')]),
  (random) => Buffer.concat([pax({path: `${name(random)}p`}), file('cut', 'content')]),
  (random) => Buffer.concat([pax({linkpath: `${name(random)}p`}), symlink(name(random), 'cut')]),
  (random) =>
    Buffer.concat([pax({size: String(below(random, 9))}), file(name(random), '12345678')]),
  (random) => Buffer.concat([pax(oddRecords(random)), file(name(random), '12345678')]),
  (random) => Buffer.concat([pax(oddRecords(random), 'g'), file(name(random), 'x')]),
  () => Buffer.concat([pax({path: 'p'}), long('L', 'l'), file('cut')]),
  () => Buffer.concat([long('L', 'l'), pax({mtime: '1'}), file('cut')]),
  () => Buffer.concat([pax({size: '8'}), member({content: '12345678', size: 0})]),
]

function oddRecords(random: Random): Record<string, string> {
  const keyword = oneOf(random, [
    'path',
    'linkpath',
    'size',
    'mtime',
    'uid',
    'gid',
    'uname',
    'comment',
    'hdrcharset',
    'charset',
    'GNU.sparse.name',
    'GNU.sparse.size',
    'GNU.sparse.major',
    'SCHILY.realsize',
    'SCHILY.devmajor',
    'SCHILY.filetype',
    'LIBARCHIVE.symlinktype',
    'LIBARCHIVE.xattr.user.a',
    'SCHILY.xattr.user.a',
    'Path',
    'realtime.any',
  ])
  const value = oneOf(random, [
    '',
    '0',
    '8',
    '1',
    '-1',
    '+8',
    ' 8',
    '08',
    '8 ',
    'a/b',
    'd/',
    'BINARY',
    'a\0b',
    'file',
  ])
  return {[keyword]: value, comment: 'x'}
}

/** Where headers have what: offset and width. */
const numbers = [
  [100, 8],
  [108, 8],
  [116, 8],
  [124, 12],
  [136, 12],
  [329, 8],
  [337, 8],
] as const
const texts = [
  [0, 100],
  [157, 100],
  [265, 32],
  [297, 32],
  [345, 155],
] as const

const numberForms: readonly ((width: number) => string | Buffer)[] = [
  (width) => ' '.repeat(width),
  (width) => '\0'.repeat(width),
  (width) => '7'.repeat(width),
  (width) => '1'.padStart(width, '0'),
  (width) => '10 '.padStart(width, ' '),
  (width) => `3${'\0'.repeat(width - 1)}`,
  (width) => `3 4${'\0'.repeat(width - 3)}`,
  (width) => `3\u00004${'\0'.repeat(width - 3)}`,
  (width) => `3 ${'x'.repeat(width - 2)}`,
  (width) => `\t3${'\0'.repeat(width - 2)}`,
  (width) => `+3${'\0'.repeat(width - 2)}`,
  (width) => `-3${'\0'.repeat(width - 2)}`,
  (width) => `0x3${'\0'.repeat(width - 3)}`,
  (width) => `0o3${'\0'.repeat(width - 3)}`,
  (width) => `1_1${'\0'.repeat(width - 3)}`,
  (width) => `8${'\0'.repeat(width - 1)}`,
  (width) => `\u00003${'\0'.repeat(width - 2)}`,
  (width) => `-${'A'.repeat(width - 1)}`,
  (width) => base256(3n, width),
  (width) => base256(-3n, width),
  (width) => base256(2n ** 55n, width),
  (width) => Buffer.alloc(width, 0xff),
  (width) => Buffer.concat([Buffer.from([0xc0]), Buffer.alloc(width - 1)]),
]

/**
 * Each gives the first header of a member something odd, or its content; checksums stay right but
 * where they are what is odd.
 */
const changes: readonly ((bytes: Buffer, random: Random) => Buffer)[] = [
  (bytes, random) => {
    const [at, width] = oneOf(random, numbers)
    return put(bytes, at, oneOf(random, numberForms)(width))
  },
  (bytes, random) => {
    const [at, width] = oneOf(random, numbers)
    // of the second header, where there is one
    const base = bytes.length > 1024 ? 1024 : 0
    const value = oneOf(random, numberForms)(width)
    return Buffer.concat([bytes.subarray(0, base), put(bytes.subarray(base), at, value)])
  },
  (bytes, random) => put(bytes, 156, oneOf(random, Array.from('\u00000123456789ADKLMNSVXgxaZ'))),
  (bytes, random) =>
    put(
      bytes,
      257,
      oneOf(random, [
        'ustar\u000000',
        'ustar  \0',
        '\0'.repeat(8),
        'ustar\0  ',
        'ustar\0\0\0',
        'ustar00\0',
        'USTAR\u000000',
        'GNUtar \0',
      ]),
    ),
  (bytes) => put(bytes, 508, 'tar\0'),
  (bytes, random) => {
    const [at, width] = oneOf(random, texts)
    const text = oneOf(random, [
      '',
      'q',
      'q/',
      'q\0r',
      'q/../r',
      '/',
      ' ',
      '\n',
      '\xff',
      '\0q',
      'z'.repeat(width),
      `${'z'.repeat(width - 1)}/`,
    ])
    return put(
      bytes,
      at,
      Buffer.from(text.padEnd(random() < 0.5 ? width : text.length, '\0'), 'latin1'),
    )
  },
  (bytes, random) => put(bytes, below(random, 512), Buffer.from([below(random, 256)])),
  (bytes, random) => put(bytes, 257 + below(random, 255), Buffer.from([below(random, 256)])),
  (bytes, random) => {
    // a byte of the content or of its padding
    const at = 512 + below(random, Math.max(1, bytes.length - 512))
    if (at < bytes.length) bytes[at] = oneOf(random, [0, 1, 10, 32, 47, 65, 255])
    return bytes
  },
  (bytes, random) => {
    // an extended header's size that is not that of its content
    const size = below(random, 40)
    return put(bytes, 124, `${size.toString(8).padStart(11, '0')}\0`)
  },
  (bytes, random) => {
    const form = oneOf(random, [
      (sum: number) => `${sum.toString(8).padStart(7, '0')}\0`,
      (sum: number) => `${sum.toString(8).padStart(6, ' ')}\0 `,
      (sum: number) => `${sum.toString(8)} \0`.padEnd(8, '\0'),
      (sum: number) => sum.toString(8).padStart(8, '0'),
      (sum: number) => `${sum.toString(8).padStart(6, '0')}  `,
      (sum: number) => `${sum.toString(8).padStart(6, '0')}\0x`,
    ])
    const sum = Number.parseInt(signed(bytes).toString('latin1', 148, 154), 8)
    bytes.write(form(sum), 148, 8, 'latin1')
    return bytes
  },
  (bytes, random) => {
    const hidden = paxRecord('path', 'hidden')
    const extra = oneOf(random, [hidden, Buffer.from('\0hidden'), Buffer.from('hidden')])
    const end = 512 + below(random, 30)
    if (bytes.length >= end + extra.length) extra.copy(bytes, end)
    return bytes
  },
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.concat([bytes, Buffer.alloc(512)]),
  (bytes) => bytes.subarray(0, Math.max(512, bytes.length - 512)),
]

function put(bytes: Buffer, at: number, value: string | Buffer): Buffer {
  const changed = Buffer.from(bytes)
  Buffer.from(value).copy(changed, at)
  return signed(changed)
}
