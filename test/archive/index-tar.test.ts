import {open, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {indexTar} from '../../src/archive/index-tar.js'
import {InjectError} from '../../src/errors.js'
import {
  archive,
  directory,
  long,
  member,
  pax,
  shortLong,
  shortPax,
} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'

async function index(bytes: Uint8Array) {
  const path = join(await tempDir(), 'a.tar')
  await writeFile(path, bytes)
  const file = await open(path)
  onTestFinished(() => file.close())
  const members = await indexTar(file, 'oci-archive:a.tar')
  return {
    members,
    text: (name: string) => {
      const {offset, size} = members.get(name)!
      return Buffer.from(bytes).toString('utf8', offset, offset + size)
    },
  }
}

describe('the files of a tar', () => {
  it('are found without reading them', async () => {
    const name = `${'long/'.repeat(30)}name`
    const {members, text} = await index(
      archive(
        directory('./'),
        member({name: './index.json', content: '{}'}),
        directory('blobs/'),
        member({name: 'blobs/a', content: 'x'.repeat(1000)}),
        pax({path: name, mtime: '1.5'}),
        member({content: 'pax'}),
        long('L', `gnu/${name}`),
        member({content: 'gnu', format: 'gnu'}),
        member({name: 'empty'}),
      ),
    )
    expect([...members.keys()]).toEqual(['index.json', 'blobs/a', name, `gnu/${name}`, 'empty'])
    expect(text('index.json')).toBe('{}')
    expect(text('blobs/a')).toBe('x'.repeat(1000))
    expect([text(name), text(`gnu/${name}`), text('empty')]).toEqual(['pax', 'gnu', ''])
  })

  it('links are followed once, inside the archive', async () => {
    const {members, text} = await index(
      archive(
        member({name: 'a/layer.tar', type: '2', link: '../b.tar'}),
        member({name: 'b.tar', content: 'layer'}),
        member({name: 'c', type: '1', link: 'b.tar'}),
        member({name: 'd', type: '2', link: 'c'}),
        member({name: 'e', type: '2', link: 'e'}),
        member({name: 'f', type: '2', link: 'nowhere'}),
      ),
    )
    expect([text('a/layer.tar'), text('c')]).toEqual(['layer', 'layer'])
    expect(['d', 'e', 'f'].some((name) => members.has(name))).toBe(false)
  })

  it('may be filled up with zeros', async () => {
    const {members} = await index(Buffer.concat([archive(member()), Buffer.alloc(9216)]))
    expect(members.size).toBe(1)
  })

  const file = member({name: 'file', content: 'x'.repeat(2000)})
  const invalid: [string, Buffer, string][] = [
    ['T-01 a name with ..', archive(member({name: 'a/../../b'})), "called 'a/../../b'"],
    ['T-01 an absolute name', archive(member({name: '/etc/x'})), "called '/etc/x'"],
    ['T-01 no name', archive(member({name: ''})), 'called'],
    ['T-05 an absolute link', archive(member({type: '2', link: '/etc/passwd'})), 'leads out'],
    [
      'T-07 a link with ..',
      archive(member({name: 'a/b', type: '2', link: '../../x'})),
      'leads out',
    ],
    [
      'T-07 a hard link with ..',
      archive(member({name: 'a/b', type: '1', link: '../x'})),
      'leads out',
    ],
    ['T-27 two of one name', archive(member(), member()), 'two entries'],
    ['T-27 two of one name, told apart by ./', archive(member(), member({name: './file'})), 'two'],
    ['T-27 a link and a file', archive(member({type: '2', link: 'x'}), member()), 'two entries'],
    ['T-26 a device', archive(member({type: '3', major: 1, minor: 3})), 'is not a file'],
    ['T-26 a FIFO', archive(member({type: '6'})), 'is not a file'],
    ['T-11 a size that is not there', archive(member({size: 1e10})), 'cut off'],
    ['T-12 a negative size', archive(member({size: Buffer.alloc(12, 0xff)})), 'no valid size'],
    ['T-14 a sparse file', archive(member({type: 'S', format: 'gnu'})), 'sparse'],
    ['T-22 a huge extended header', archive(member({type: 'x', size: 2 ** 21})), 'extended header'],
    [
      'T-11 two extended headers',
      archive(pax({a: 'b'}), pax({a: 'b'}), member()),
      'follows another',
    ],
    ['an extended header without an entry', archive(pax({a: 'b'})), 'has no entry'],
    ['L29 cut off in a file', file.subarray(0, 1000), 'is cut off'],
    ['L29 cut off in a header', Buffer.concat([file, Buffer.alloc(100, 1)]), 'no end marker'],
    ['L37 no end marker', file, 'no end marker'],
    ['L37 half an end marker', Buffer.concat([file, Buffer.alloc(512)]), 'no end marker'],
    ['T-28 content behind the end', Buffer.concat([archive(file), file]), 'follows the end'],
    [
      'A11 a long name that goes on behind its size',
      archive(shortLong('L', 'safe.conf.d/evil', 9), member({name: 'x'})),
      'follows an extended header',
    ],
    [
      'A11 a PAX record behind the last one',
      archive(shortPax({mtime: '1'}, {path: 'evil'}), member({name: 'x'})),
      'follows an extended header',
    ],
    [
      'A11 a prefix in the GNU format',
      archive(member({name: 'x', prefix: 'evil', format: 'gnu'})),
      'a prefix to its name',
    ],
    ['B14 two long names', archive(long('L', 'a'), long('L', 'b'), member()), 'follows another'],
    [
      'B14 a long name that goes on after a NUL',
      archive(long('L', 'a\0b'), member()),
      'goes on after its end',
    ],
    [
      'B14 a global header between an entry and its own',
      archive(pax({comment: 'x'}), pax({comment: 'x'}, 'g'), member()),
      'follows another',
    ],
    [
      'B7 a checksum of signed bytes, which node-tar does not take',
      archive(member({name: 'é', checksum: 'signed'})),
      'another to node-tar',
    ],
    ['no tar at all', Buffer.from('x'.repeat(1024)), 'cannot be read'],
    ['L35 an empty file', Buffer.alloc(0), 'it is empty'],
  ]
  it.each(invalid)('%s is refused', async (_, bytes, why) => {
    const error: unknown = await index(bytes).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(InjectError)
    expect(error).toMatchObject({code: 'ERR_INJECT_ARCHIVE_INVALID'})
    expect(String(error)).toContain(why)
    expect(String(error)).toContain('oci-archive:a.tar')
  })

  it('T-13 more than 100,000 entries are refused', async () => {
    const one = directory('d/')
    const many = Buffer.concat([...Array.from({length: 100_001}, () => one), Buffer.alloc(1024)])
    await expect(index(many)).rejects.toMatchObject({code: 'ERR_INJECT_ARCHIVE_TOO_LARGE'})
  })
})
