import {execa} from 'execa'
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {Header} from 'tar/header'
import {describe, expect, it} from 'vitest'
import type {Entry} from '../../../src/layer/entry.js'
import {encodeHeader} from '../../../src/layer/tar/encode-header.js'
import {tempDir} from '../../support/temp-dir.js'

const file = (path: string, more: Partial<Entry> = {}): Entry =>
  ({
    kind: 'file',
    size: 0,
    path,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: 0,
    xattrs: undefined,
    ...more,
  }) as Entry

/** What node-tar, a reader that we did not write, makes of a plain header. */
const decode = (entry: Entry) => new Header(Buffer.from(encodeHeader(entry)))

/** What GNU tar lists, names escaped its way. */
async function gnuTarLists(entries: Entry[]): Promise<string[]> {
  const folder = await tempDir()
  await mkdir(folder, {recursive: true})
  const archive = join(folder, 'a.tar')
  await writeFile(
    archive,
    Buffer.concat([...entries.map((entry) => encodeHeader(entry)), new Uint8Array(1024)]),
  )
  const {stdout} = await execa(
    'tar',
    [
      '--list',
      '--verbose',
      '--numeric-owner',
      '--full-time',
      '--utc',
      '--quoting-style=escape',
      '-f',
      archive,
    ],
    {env: {LC_ALL: 'C'}},
  )
  return stdout.split('\n')
}

describe('encodeHeader', () => {
  it('writes what node-tar reads back', () => {
    const header = decode(
      file('a/b', {
        mode: 0o4755,
        uid: 1000,
        gid: 100,
        mtime: 1_700_000_000,
        size: 12,
      }),
    )
    expect(header.cksumValid).toBe(true)
    expect(header).toMatchObject({
      path: 'a/b',
      mode: 0o4755,
      uid: 1000,
      gid: 100,
      size: 12,
      type: 'File',
    })
    expect(header.mtime).toEqual(new Date(1_700_000_000_000))
  })

  it('takes one block for whatever fits, and splits long names at a slash', () => {
    const name = `${'d'.repeat(120)}/${'f'.repeat(90)}`
    expect(encodeHeader(file(name))).toHaveLength(512)
    expect(decode(file(name)).path).toBe(name)
    expect(encodeHeader(file('x'.repeat(100)))).toHaveLength(512)
    expect(encodeHeader(file('x'.repeat(101)))).toHaveLength(3 * 512)
  })

  it('writes names of every length, and links, as GNU tar reads them', async () => {
    const lengths = [1, 99, 100, 101, 154, 155, 156, 255, 256, 257, 300]
    const names = lengths.flatMap((length) => [
      'n'.repeat(length),
      `${'d'.repeat(Math.max(1, length - 40))}/${'n'.repeat(39)}`,
    ])
    const deep = `${'d/'.repeat(2499)}ff`
    const entries = [...names, deep].flatMap((name): Entry[] => [
      file(name),
      {...file(`l${name}`), kind: 'symlink', target: name},
    ])
    const lines = await gnuTarLists(entries)
    expect(lines.map((line) => line.replace(/^.*\d\d:\d\d:\d\d /, ''))).toEqual(
      [...names, deep].flatMap((name) => [name, `l${name} -> ${name}`]),
    )
  })

  it('gives directories of every length their slash', async () => {
    const names = [99, 100, 101, 155, 156, 256, 257].map(
      (length) => `${'d'.repeat(50)}/${'n'.repeat(length - 51)}`,
    )
    const lines = await gnuTarLists(names.map((path) => ({...file(path), kind: 'directory'})))
    expect(lines.map((line) => line.replace(/^.*\d\d:\d\d:\d\d /, ''))).toEqual(
      names.map((name) => `${name}/`),
    )
    expect(lines.every((line) => line.startsWith('d'))).toBe(true)
  })

  it('keeps the bytes of names that are not UTF-8, and of those that are', async () => {
    const latin1 = 'caf\u00E9'
    const utf8 = Buffer.from('café ☕').toString('latin1')
    const lines = await gnuTarLists([
      file(latin1),
      file(`${latin1}/${'x'.repeat(200)}`),
      file(utf8),
      file('new\nline'),
    ])
    expect(lines.map((line) => line.replace(/^.*\d\d:\d\d:\d\d /, ''))).toEqual([
      String.raw`caf\351`,
      String.raw`caf\351/${'x'.repeat(200)}`,
      String.raw`caf\303\251 \342\230\225`,
      String.raw`new\nline`,
    ])
  })

  it('writes numbers beyond their fields into PAX records', async () => {
    const lines = await gnuTarLists([
      file('big', {uid: 4_294_967_294, gid: 2_097_152}),
      file('old', {mtime: -2_177_452_800}),
      file('far', {mtime: 253_402_300_799}),
      {...file('dev'), kind: 'character-device', major: 10, minor: 229},
      {...file('fifo'), kind: 'fifo'},
    ])
    expect(lines[0]).toMatch(/4294967294\/2097152/)
    expect(lines[1]).toMatch(/1901-01-01 00:00:00/)
    expect(lines[2]).toMatch(/9999-12-31 23:59:59/)
    expect(lines[3]).toMatch(/^c.* 10,229 /)
    expect(lines[4]).toMatch(/^p/)
  })

  it('refuses attributes that no reader would take, and escapes = in their names', () => {
    const many = new Map(Array.from({length: 20}, (_, i) => [`user.${i}`, new Uint8Array(60_000)]))
    expect(() => encodeHeader(file('x', {xattrs: many}))).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_EXTENDED_HEADER_TOO_LARGE'}),
    )
    const named = encodeHeader(file('x', {xattrs: new Map([['user.a=b', new Uint8Array([1])]])}))
    expect(Buffer.from(named).toString('latin1')).toContain(' SCHILY.xattr.user.a%3Db=\u0001\n')
  })

  it('writes a size beyond 8 GiB into a PAX record', () => {
    const bytes = Buffer.from(encodeHeader(file('big', {size: 2 ** 33})))
    expect(bytes.toString('latin1')).toContain(' size=8589934592\n')
    expect(new Header(bytes, 1024).size).toBe(0)
  })
})
