import {execaSync} from 'execa'
import {mkdirSync, symlinkSync, truncateSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {createHeaderScanner} from '../../../src/layer/tar/scan-headers.js'
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
  symlink,
} from '../../support/tar-fixtures.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'

function scan(bytes: Uint8Array, chunk = bytes.length): Entry[] {
  const found: Entry[] = []
  const scanner = createHeaderScanner((entry) => found.push(entry))
  for (let at = 0; at < bytes.length; at += chunk) scanner.write(bytes.subarray(at, at + chunk))
  scanner.end()
  return found
}

const pathsIn = (bytes: Uint8Array) => scan(bytes).map(({path}) => path)

describe('W8 layers of others, as Go reads them', () => {
  const behind = file('behind', 'content')
  const sparseMap = Buffer.alloc(512)
  const oldSparse = member({name: 'sparse', type: 'S', content: 'data', format: 'gnu'})

  it.each<[string, Buffer]>([
    ['a directory that says it has 4096 bytes', member({name: 'first/', type: '5', size: 4096})],
    ['a link that says it has a size', member({name: 'first', type: '2', link: 'x', size: 100})],
    ['a hard link with a size', member({name: 'first', type: '1', link: 'x', size: 100})],
    ['an entry of an unknown type with content', member({name: 'first', type: 'Z', content: 'x'})],
    [
      'a name by PAX and by GNU’s means',
      Buffer.concat([long('L', 'no'), pax({path: 'first'}), file('y')]),
    ],
    ['two PAX headers', Buffer.concat([pax({path: 'no'}), pax({path: 'first'}), file('y')])],
    [
      'a PAX record with a length in zeros',
      Buffer.concat([
        member({name: 'x', type: 'x', content: '0014 path=first\n'.replace('0014', '0016')}),
        file('y'),
      ]),
    ],
    [
      'a sparse file of PAX',
      Buffer.concat([
        pax({'GNU.sparse.major': '1', 'GNU.sparse.name': 'first', 'GNU.sparse.realsize': '9000'}),
        file('y', 'x'.repeat(600)),
      ]),
    ],
    ['a file named as a directory', member({name: 'first/', type: '\0'})],
    ['numbers in base 256', member({name: 'first', uidField: base256(5n, 8)})],
    [
      'a global header before it',
      Buffer.concat([member({type: 'g', content: paxRecord('path', 'no')}), file('first')]),
    ],
  ])('%s', (_, bytes) => {
    const paths = pathsIn(archive(bytes, behind)).map((path) => path.replace(/\/$/, ''))
    expect(paths).toEqual(['first', 'behind'])
  })

  it('an old sparse file with a map of several blocks', () => {
    const header = Buffer.from(oldSparse.subarray(0, 512))
    header[482] = 1
    // the checksum counts the flag
    const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
    const more = Buffer.from(sparseMap)
    more[504] = 1
    const bytes = Buffer.concat([header, more, sparseMap, oldSparse.subarray(512)])
    expect(pathsIn(archive(bytes, behind))).toEqual(['sparse', 'behind'])
  })

  it('bytes after its end, no end at all, and in pieces of any size', () => {
    const whole = archive(directory('d/'), symlink('l', 'd'), hardlink('h', 'l'), behind)
    expect(pathsIn(Buffer.concat([whole, Buffer.from('rubbish')]))).toHaveLength(4)
    expect(pathsIn(whole.subarray(0, whole.length - 1024))).toHaveLength(4)
    for (const chunk of [1, 7, 511, 513]) expect(scan(whole, chunk)).toEqual(scan(whole))
    expect(scan(whole)[1]).toMatchObject({kind: 'symlink', target: 'd'})
  })

  it.each([1, 512, 511 + 512])('the last padding is missing, in pieces of %i bytes', (chunk) => {
    const last = file('last', 'content')
    const whole = Buffer.concat([directory('d/'), last])
    for (const missing of [1, 505]) {
      const cut = whole.subarray(0, whole.length - missing)
      expect(scan(cut, chunk).map(({path}) => path)).toEqual(['d/', 'last'])
    }
    expect(() => scan(whole.subarray(0, whole.length - 506), chunk)).toThrow('cut off')
  })

  it('what Go refuses is refused', () => {
    const broken = member({name: 'x', checksum: 'wrong'})
    const error = thrownBy(() => scan(archive(file('before'), broken)))
    expect(error.code).toBe('ERR_INJECT_LAYER_CORRUPT')
    expect(error.message).toContain('its own checksum')
    expect(thrownBy(() => scan(file('a', 'x'.repeat(600)).subarray(0, 700))).message).toContain(
      'cut off',
    )
  })

  it.each(['--format=gnu', '--format=ustar', '--format=posix', '--format=v7', '--sparse'])(
    'what GNU tar writes with %s',
    async (format) => {
      const root = await tempDir()
      mkdirSync(join(root, 'd/e'), {recursive: true})
      symlinkSync('d', join(root, 'l'))
      writeFileSync(join(root, 'd/e/file'), 'x')
      truncateSync(join(root, 'd/e/file'), 3_000_000)
      const {stdout} = execaSync('tar', ['-C', root, format, '--sort=name', '-cf', '-', 'd', 'l'], {
        encoding: 'buffer',
      })
      expect(pathsIn(Buffer.from(stdout))).toEqual(['d/', 'd/e/', 'd/e/file', 'l'])
    },
  )
})
