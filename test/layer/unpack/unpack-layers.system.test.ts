import {execa} from 'execa'
import fc from 'fast-check'
import {existsSync, lstatSync, readlinkSync} from 'node:fs'
import {mkdir, readdir, readFile, rm, symlink as makeSymlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {InjectError} from '../../../src/errors.js'
import {
  emptyStart,
  unpackLayer,
  type UnpackLayerOptions,
} from '../../../src/layer/unpack/unpack-layers.js'
import {digestOf} from '../../../src/oci/digest.js'
import {ociLayer} from '../../../src/oci/media-type.js'
import {
  archive,
  base256,
  directory,
  file,
  hardlink,
  long,
  member,
  pax,
  symlink,
} from '../../support/tar-fixtures.js'
import {corruptArchives, refusedArchives} from '../../support/hostile-archives.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'
import {treeSnapshot} from '../../support/tree-snapshot.js'

const isRoot = process.getuid?.() === 0

async function* stream(bytes: Uint8Array, size = 10_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve()
    yield bytes.subarray(at, at + size)
  }
}

type Options = Partial<UnpackLayerOptions>

const unpack = (tar: Buffer, to: string, options: Options = {}) =>
  unpackLayer({
    directory: to,
    open: () => stream(tar),
    mediaType: ociLayer,
    diffId: digestOf(tar),
    path: '/',
    force: false,
    ...options,
  })

/** A directory `out` to unpack into, among things that nobody may touch. */
async function arena(): Promise<{out: string; victim: string; outside: string; around: string}> {
  const around = await tempDir()
  const outside = join(around, 'outside')
  await mkdir(join(outside, 'sub'), {recursive: true})
  await writeFile(join(outside, 'secret'), 'secret', {mode: 0o600})
  await mkdir(join(around, 'out-evil'))
  return {around, outside, out: join(around, 'out'), victim: join(outside, 'secret')}
}

/**
 * What an attempt came to; in any case nothing around `out` was touched, and after a failure `out`
 * is not there.
 */
async function attempt(
  tar: Buffer,
  options: Options = {},
): Promise<{error?: unknown; tree: string[]}> {
  const {out, around, outside} = await arena()
  const before = treeSnapshot(outside, {identity: true})
  let error: unknown
  try {
    await unpack(tar, out, options)
  } catch (thrown) {
    error = thrown
  }
  expect(treeSnapshot(outside, {identity: true})).toEqual(before)
  expect((await readdir(around)).sort()).toEqual(
    error === undefined ? ['out', 'out-evil', 'outside'] : ['out-evil', 'outside'],
  )
  const tree = error === undefined ? treeSnapshot(out) : []
  return {error, tree}
}

const unsafe = expect.objectContaining({name: 'UnsafeContentError'}) as unknown

describe('unpackLayer', () => {
  const tar = archive(
    directory('d/', {mode: 0o2750, mtime: 1_600_000_000}),
    file('d/f', 'content', {mode: 0o640, mtime: 1_500_000_000}),
    symlink('d/s', '../nowhere'),
    hardlink('d/h', 'd/f'),
    file('.wh.gone'),
  )

  it.each([
    ['plain', ociLayer, tar],
    ['gzip', `${ociLayer}+gzip`, gzipSync(tar)],
    [
      'several members of gzip',
      `${ociLayer}+gzip`,
      Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]),
    ],
  ])('makes the directory from a layer: %s', async (_, mediaType, blob) => {
    const {out} = await arena()
    const result = await unpack(tar, out, {
      mediaType,
      open: () => Promise.resolve(stream(blob)),
    })
    expect(result).toMatchObject({entries: 5, bytes: tar.length, whiteouts: 1})
    expect(result.refilled).toBeUndefined()
    expect(await readFile(join(out, 'd/h'), 'utf8')).toBe('content')
    expect(lstatSync(join(out, 'd/h')).ino).toBe(lstatSync(join(out, 'd/f')).ino)
    expect(readlinkSync(join(out, 'd/s'))).toBe('../nowhere')
    expect(lstatSync(join(out, 'd'))).toMatchObject({mtimeMs: 1_600_000_000_000})
    expect(lstatSync(join(out, 'd')).mode & 0o7777).toBe(0o2750)
    expect(lstatSync(join(out, 'd/f'))).toMatchObject({mtimeMs: 1_500_000_000_000})
    expect(lstatSync(join(out, 'd/f')).mode & 0o7777).toBe(0o640)
  })

  it('leaves nothing when the diff ID is another one', async () => {
    const {error} = await attempt(tar, {diffId: digestOf(Buffer.from('other'))})
    expect(error).toMatchObject({name: 'IntegrityError', code: 'ERR_INJECT_DIFF_ID_MISMATCH'})
  })

  it('leaves nothing when the source fails, and throws what it threw', async () => {
    const reason = new Error('connection lost')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield* stream(tar.subarray(0, 1000))
      throw reason
    }
    expect((await attempt(tar, {open: source})).error).toBe(reason)
    expect((await attempt(tar, {open: () => Promise.reject(reason)})).error).toBe(reason)
  })

  it('leaves nothing when it is aborted, wherever that is', async () => {
    for (const after of [0, 1, 5, tar.length / 512]) {
      const controller = new AbortController()
      const reason = new Error('stop')
      async function* source(): AsyncGenerator<Uint8Array> {
        let count = 0
        for await (const block of stream(tar, 512)) {
          if (count++ === after) controller.abort(reason)
          yield block
        }
        if (count === after) controller.abort(reason)
      }
      const {error} = await attempt(tar, {open: source, signal: controller.signal})
      expect(error, `after ${after} blocks`).toBe(reason)
    }
  })

  it('does not open the layer when the directory cannot be used', async () => {
    const {outside, out} = await arena()
    let opened = 0
    const open = (): AsyncGenerator<Uint8Array> => {
      opened++
      return stream(tar)
    }
    await expect(unpack(tar, outside, {open})).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    })
    await expect(unpack(tar, join(out, 'missing/out'), {open})).rejects.toMatchObject({
      name: 'LocalIoError',
    })
    expect(opened).toBe(0)
  })

  it('refuses a compression that it does not know', async () => {
    for (const magic of ['fd377a585a000004e6d6', '425a6839314159265359']) {
      const {error} = await attempt(Buffer.from(magic, 'hex'))
      expect(error).toMatchObject({code: 'ERR_INJECT_COMPRESSION_UNSUPPORTED'})
    }
    const name = Buffer.from('BZh9 is the name of a file')
    expect((await attempt(name)).error).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
  })

  it.each([
    ['two blocks', 1024],
    ['twenty', 10_240],
    ['none', 0],
  ])('L36 makes an empty directory from an archive of zeros: %s', async (_, size) => {
    const {tree, error} = await attempt(Buffer.alloc(size))
    expect(error).toBeUndefined()
    expect(tree).toHaveLength(1)
  })

  it('L35 refuses an empty gzip blob', async () => {
    const {error} = await attempt(Buffer.alloc(0), {mediaType: `${ociLayer}+gzip`})
    expect(error).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
  })

  it('L29 refuses gzip that is cut off anywhere', async () => {
    const gz = gzipSync(tar)
    for (const end of [1, gz.length >> 1, gz.length - 9, gz.length - 1]) {
      const open = (): AsyncGenerator<Uint8Array> => stream(gz.subarray(0, end))
      const {error} = await attempt(tar, {mediaType: `${ociLayer}+gzip`, open})
      expect(error).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
    }
  })

  it('T-28 L28 L37 leaves nothing of an archive that does not end as it should', async () => {
    for (const bytes of [
      tar.subarray(0, -1024),
      tar.subarray(0, 700),
      Buffer.concat([tar, file('more')]),
    ]) {
      expect((await attempt(bytes)).error).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
    }
  })

  it('T-13 L13 stops at the number of entries that is allowed', async () => {
    const many = archive(...Array.from({length: 20}, (_, index) => file(`f${index}`)))
    const {error} = await attempt(many, {limits: {entries: 10}})
    expect(error).toMatchObject({name: 'LimitError', code: 'ERR_INJECT_TOO_MANY_ENTRIES'})
  })
})

describe('hostile layers', () => {
  it.each(refusedArchives)('%s is refused', async (_, members) => {
    const {error} = await attempt(archive(...members))
    expect(error).toBeInstanceOf(InjectError)
    expect((error as InjectError).name).toMatch(
      /^(?:UnsafeContentError|LimitError|IntegrityError)$/,
    )
  })

  it.each(corruptArchives)('%s is refused', async (_, members) => {
    expect((await attempt(archive(...members))).error).toMatchObject({
      code: 'ERR_INJECT_LAYER_CORRUPT',
    })
  })

  it('T-14 L14 a sparse file without its map is refused', async () => {
    const {error} = await attempt(archive(pax({'GNU.sparse.major': '1'}), file('a')))
    expect(error).toMatchObject({code: 'ERR_INJECT_LAYER_CORRUPT'})
  })

  it('T-02 T-06 L2 L6 names that differ in case or in how they are composed are different names', async () => {
    const names = ['D', 'd', 'caf\u00e9', 'cafe\u0301', '\u00df', 'ss', '\ufb01', 'fi']
    const {tree, error} = await attempt(archive(...names.map((name) => file(`${name}/x`, name))))
    expect(error).toBeUndefined()
    expect(tree.filter((line) => line.includes('/x"'))).toHaveLength(names.length)
  })

  it('T-09 L9 backslashes and drives are plain names', async () => {
    const {tree} = await attempt(archive(file('C:..\\x'), file('\\\\host\\share'), file('..\\y')))
    expect(tree).toHaveLength(4)
  })

  it('T-16 L16 with follow a directory that is a symlink is filled where it is', async () => {
    const {around, out} = await arena()
    const real = join(around, 'real')
    await mkdir(real)
    await makeSymlink('real', out)
    await unpack(archive(file('a', 'x')), out, {follow: true})
    expect(readlinkSync(out)).toBe('real')
    expect(await readdir(real)).toEqual(['a'])
  })

  it('T-10 T-16 T-17 L10 L16 L17 a symlink in place of the folder that is written is not followed', async () => {
    const {around, out, outside} = await arena()
    const before = treeSnapshot(outside, {identity: true})
    const tar = archive(
      file('a', 'x'),
      directory('sub'),
      file('secret', 'overwritten'),
      file('sub/b', 'y'),
    )
    async function* source(): AsyncGenerator<Uint8Array> {
      yield tar.subarray(0, 1024)
      const [name = ''] = (await readdir(around)).filter((entry) => entry.startsWith('.out'))
      await execa('mv', [join(around, name), join(around, 'stolen')])
      await makeSymlink('outside', join(around, name))
      yield tar.subarray(1024)
    }
    await expect(unpack(tar, out, {open: source})).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_DIRECTORY_CHANGED',
    })
    expect(treeSnapshot(outside, {identity: true})).toEqual(before)
    // the link is not ours, and is left
    const [link = '', ...others] = (await readdir(around)).sort()
    expect(readlinkSync(join(around, link))).toBe('outside')
    expect(others).toEqual(['out-evil', 'outside', 'stolen'])
  })

  it('T-18 L18 a directory in place of a symlink leaves its target alone', async () => {
    const {tree, error} = await attempt(
      archive(symlink('foo', '../outside'), directory('foo/', {mode: 0})),
    )
    expect(error).toBeUndefined()
    expect(tree[1]).toMatch(/^"foo" directory 0 /)
  })

  it('a directory whose folder becomes a symlink later leaves what is there alone', async () => {
    const {tree, error} = await attempt(
      archive(
        directory('a/sub', {mode: 0o711}),
        directory('a', {mode: 0o711}),
        symlink('a', '../outside'),
      ),
    )
    expect(error).toBeUndefined()
    expect(tree[1]).toMatch(/^"a" link \.\.\/outside /)
  })

  it('T-21 L21 symlinks that are in the directory already are not followed', async () => {
    const {out, outside} = await arena()
    const before = treeSnapshot(outside, {identity: true})
    await mkdir(out)
    await makeSymlink('../outside', join(out, 'x'))
    const tar = archive(file('x/authorized_keys', 'key'))
    await expect(unpack(tar, out)).rejects.toMatchObject({code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY'})
    await unpack(tar, out, {force: true})
    expect(lstatSync(join(out, 'x')).isDirectory()).toBe(true)
    expect(treeSnapshot(outside, {identity: true})).toEqual(before)
  })

  it('T-24 L24 many entries in one directory, and many that replace each other, take time in proportion', async () => {
    const many = Array.from({length: 3000}, (_, index) => file(`d/f${index}`))
    const again = Array.from({length: 1000}, (_, index) => [
      symlink('d/x', 'y'),
      directory(`d/x${index}`),
    ]).flat()
    const {tree, error} = await attempt(archive(...many, ...again))
    expect(error).toBeUndefined()
    expect(tree).toHaveLength(1 + 1 + 3000 + 1 + 1000)
  })

  describe('T-27 L27 of entries of one name the last wins', () => {
    const kinds: [string, Buffer][] = [
      ['file', file('x', 'content')],
      ['symlink', symlink('x', '../outside/secret')],
      ['directory', directory('x/')],
      ['folder', file('x/deep/er', 'y')],
      ['hard link', hardlink('x', 'other')],
      ['FIFO', member({name: 'x', type: '6', mode: 0o600})],
    ]
    const pairs = kinds.flatMap((first) => kinds.map((second) => [first, second] as const))

    it.each(pairs.map(([first, second]) => [first[0], second[0], first[1], second[1]] as const))(
      '%s, then %s',
      async (firstKind, secondKind, first, second) => {
        const {tree, error} = await attempt(archive(file('other', 'o'), first, second))
        if (secondKind === 'folder' && !['directory', 'folder'].includes(firstKind)) {
          expect(error).toEqual(unsafe)
          return
        }
        const alone = await attempt(archive(file('other', 'o'), second))
        expect(error).toBeUndefined()
        if (firstKind === 'folder' && secondKind === 'directory') {
          expect(tree.slice(1, 3)).toEqual(alone.tree.slice(1))
        } else if (firstKind === 'directory' && secondKind === 'folder') {
          expect(tree.slice(3)).toEqual(alone.tree.slice(3))
        } else {
          expect(tree.slice(1)).toEqual(alone.tree.slice(1))
        }
      },
    )

    it('a file that is replaced leaves its other names alone', async () => {
      const {tree} = await attempt(archive(file('a', 'old'), hardlink('b', 'a'), file('a', 'new')))
      expect(tree[1]).toMatch(/^"a" file "new" .* links 1$/)
      expect(tree[2]).toMatch(/^"b" file "old" .* links 1$/)
    })

    it('a later entry for a directory changes what it is like, and keeps what is in it', async () => {
      const {tree} = await attempt(
        archive(
          directory('d', {mode: 0o700}),
          file('d/f', 'x'),
          directory('d', {mode: 0o500, mtime: 5}),
        ),
      )
      expect(tree[1]).toMatch(/^"d" directory 500 \S+ 5$/)
      expect(tree).toHaveLength(3)
    })
  })

  it('P12 nothing outside is touched, whatever the archive', {timeout: 120_000}, async () => {
    const {out, outside, around} = await arena()
    const before = treeSnapshot(outside, {identity: true})
    const piece = fc.constantFrom('a', 'b', 'c', '.', '..', '', 'outside', 'secret', 'sub')
    const name = fc.array(piece, {minLength: 1, maxLength: 4}).map((pieces) => pieces.join('/'))
    const target = fc.oneof(
      name,
      fc.constantFrom('..', '../outside', '../outside/secret', outside, join(outside, 'secret')),
    )
    const entry = fc.oneof(
      fc
        .tuple(name, fc.constantFrom('', 'overwritten'))
        .map(([path, content]) => file(path, content)),
      fc.tuple(name, fc.constantFrom(0, 0o755)).map(([path, mode]) => directory(path, {mode})),
      fc.tuple(name, target).map(([path, to]) => symlink(path, to)),
      fc.tuple(name, target).map(([path, to]) => hardlink(path, to)),
      fc.tuple(name, name).map(([path, cut]) => Buffer.concat([pax({path}), file(cut, 'x')])),
      fc.tuple(name, name).map(([path, cut]) => Buffer.concat([long('L', path), directory(cut)])),
    )
    let taken = 0
    await fc.assert(
      fc.asyncProperty(fc.array(entry, {minLength: 1, maxLength: 8}), async (entries) => {
        try {
          await unpack(archive(...entries), out)
          taken++
          expect((await readdir(around)).sort()).toEqual(['out', 'out-evil', 'outside'])
        } catch (error) {
          expect(error).toBeInstanceOf(InjectError)
          expect((await readdir(around)).sort()).toEqual(['out-evil', 'outside'])
        }
        expect(treeSnapshot(outside, {identity: true})).toEqual(before)
        await rm(out, {recursive: true, force: true})
      }),
      // most are refused, and chance alone may refuse all of them
      {examples: [[[directory('a'), file('a/b', 'content')]]]},
    )
    expect(taken).toBeGreaterThan(0)
  })
})

describe('what entries carry', () => {
  it('L39 L41 names as bytes, long ones and deep ones', async () => {
    const deep = `${'d'.repeat(249)}/`.repeat(20)
    const names = [
      'caf\u00e9',
      'a\nb',
      'a\tb',
      '*',
      '-rf',
      'end ',
      '\u00ff\u00fe',
      'n'.repeat(255),
      `${deep}file`,
    ]
    const members = names
      .map((name) => [pax({path: Buffer.from(name, 'latin1')}), file('cut', 'x')])
      .flat()
    const {out} = await arena()
    await unpack(
      archive(
        ...members,
        long('L', `${deep}gnu`),
        file('cut', 'y'),
        hardlink('hard', 'x').subarray(0, 0),
      ),
      out,
    )
    const top = await readdir(out, {encoding: 'latin1'})
    expect(top.sort()).toEqual([...names.slice(0, -1), 'd'.repeat(249)].sort())
    const {stdout} = await execa('find', [out, '-type', 'f', '-printf', '.'])
    expect(stdout).toHaveLength(names.length + 1)
    // what is too deep for a path is replaced and removed, too
    await unpack(archive(file('new')), out, {force: true})
    expect(await readdir(out)).toEqual(['new'])
  })

  it('L40 times before 1970, after 2038, and fractions', async () => {
    const {tree} = await attempt(
      archive(
        file('before', '', {mtimeField: base256(-1_000_000_000n, 12)}),
        file('far', '', {mtime: 8_000_000_000}),
        pax({mtime: '1000000000.999'}),
        file('fraction'),
        directory('old', {mtimeField: base256(-5n, 12)}),
        pax({mtime: '-3'}),
        symlink('link', 'x'),
      ),
    )
    expect(tree.map((line) => /\d+:\d+ (-?\d+)/.exec(line)?.[1]).slice(1)).toEqual([
      '-1000000000',
      '8000000000',
      '1000000000',
      '-3',
      '-5',
    ])
  })

  it('L42 hard links to symlinks and FIFOs are links to these', async () => {
    const {out} = await arena()
    const fifo = member({name: 'fifo', type: '6', mode: 0o640, mtime: 7})
    await unpack(
      archive(symlink('s', 'nowhere'), hardlink('s2', 's'), fifo, hardlink('fifo2', 'fifo')),
      out,
    )
    expect(lstatSync(join(out, 's2'))).toMatchObject({nlink: 2})
    expect(readlinkSync(join(out, 's2'))).toBe('nowhere')
    expect(lstatSync(join(out, 'fifo2')).isFIFO()).toBe(true)
    expect(lstatSync(join(out, 'fifo'))).toMatchObject({nlink: 2, mtimeMs: 7000})
    expect(lstatSync(join(out, 'fifo')).mode & 0o7777).toBe(0o640)
  })

  it('L43 whiteouts are plain files, and are counted', async () => {
    const names = ['.wh.x', 'd/.wh..wh..opq', '.wh.', '.wh..', 'd/.wh...']
    const {out} = await arena()
    const result = await unpack(archive(...names.map((name) => file(name)), file('d/x.wh.')), out)
    expect(result).toMatchObject({whiteouts: 5, entries: 6})
    expect((await readdir(join(out, 'd'))).sort()).toEqual(['.wh...', '.wh..wh..opq', 'x.wh.'])
  })

  it('L44 directories without rights get their content first', async () => {
    const {tree, error} = await attempt(
      archive(
        directory('no', {mode: 0}),
        file('no/f', 'x'),
        directory('ro', {mode: 0o555, mtime: 9}),
        directory('ro/d', {mode: 0}),
        file('ro/d/f', 'y'),
      ),
    )
    expect(error).toBeUndefined()
    expect(tree[1]).toMatch(/^"no" directory 0 /)
    expect(tree[3]).toMatch(/^"ro" directory 555 \S+ 9$/)
    expect(tree[4]).toMatch(/^"ro\/d" directory 0 /)
  })

  it('folders that no entry describes are the same in every run', async () => {
    const {tree} = await attempt(archive(file('a/b/c', 'x')))
    expect(tree[1]).toMatch(/^"a" directory 755 \S+ 0$/)
    expect(tree[2]).toMatch(/^"a\/b" directory 755 \S+ 0$/)
  })

  it('T-26 setuid, setgid and sticky bits are kept', async () => {
    const {tree} = await attempt(
      archive(file('suid', 'x', {mode: 0o6755}), directory('tmp', {mode: 0o1777})),
    )
    expect(tree[1]).toMatch(/^"suid" file "x" 6755 /)
    expect(tree[2]).toMatch(/^"tmp" directory 1777 /)
  })

  it('a large file in odd chunks', async () => {
    const content = Buffer.from(Array.from({length: 300_001}, (_, index) => index % 251))
    const tar = archive(file('big', content))
    const {out} = await arena()
    await unpack(tar, out, {open: () => stream(tar, 4097)})
    expect(await readFile(join(out, 'big'))).toEqual(content)
  })

  it('the directory itself, by an entry for it', async () => {
    const {tree} = await attempt(archive(directory('./', {mode: 0o751, mtime: 11}), file('./a')))
    expect(tree[0]).toMatch(/^"\." directory 751 \S+ 11$/)
  })

  describe('below a path', () => {
    const tar = archive(
      directory('opt', {mode: 0o700}),
      directory('opt/models', {mode: 0o711, mtime: 12}),
      file('opt/models/a', 'x'),
      hardlink('opt/models/b', 'opt/models/a'),
    )

    it('is the content of the path', async () => {
      const {tree} = await attempt(tar, {path: '/opt/models'})
      expect(tree[0]).toMatch(/^"\." directory 711 \S+ 12$/)
      expect(tree.map((line) => line.split(' ')[0])).toEqual(['"."', '"a"', '"b"'])
    })

    it('refuses what is elsewhere', async () => {
      expect((await attempt(tar, {path: '/opt/other'})).error).toMatchObject({
        name: 'UnsafeContentError',
        code: 'ERR_INJECT_OUTSIDE_PATH',
      })
    })
  })
})

describe.skipIf(!isRoot)('as root', () => {
  it('owners are kept, of everything', async () => {
    const owned = {uid: 1234, gid: 4321}
    const {tree} = await attempt(
      archive(
        directory('d', owned),
        file('d/f', 'x', {...owned, mode: 0o4755}),
        member({name: 's', type: '2', link: 'x', ...owned}),
        member({name: 'fifo', type: '6', ...owned}),
        pax({uid: '4294967294', gid: '4294967294'}),
        file('max'),
      ),
    )
    expect(tree.slice(1).map((line) => / (\d+:\d+) /.exec(line)?.[1])).toEqual([
      '1234:4321',
      '1234:4321',
      '1234:4321',
      '4294967294:4294967294',
      '1234:4321',
    ])
    expect(tree[2]).toContain(' 4755 ')
  })

  it('T-26 devices are made when they are allowed', async () => {
    const tar = archive(
      member({name: 'dev/null', type: '3', major: 1, minor: 3, mode: 0o666, mtime: 5}),
      member({name: 'caf\u00e9', type: '4', major: 7, minor: 300, mode: 0o640}),
    )
    const {tree, error} = await attempt(tar, {devices: true})
    expect(error).toBeUndefined()
    expect(tree[1]).toMatch(/ other 1050412 640 /)
    expect(tree[3]).toMatch(/^"dev\/null" other 259 666 0:0 5 links 1$/)
  })

  it('a setgid folder around does not rub off', async () => {
    const around = await tempDir()
    await execa('chown', ['0:1234', around])
    await execa('chmod', ['2775', around])
    await unpack(archive(file('a'), directory('d'), file('d/b')), join(around, 'out'))
    const lines = treeSnapshot(join(around, 'out'))
    expect(lines[0]).toMatch(/^"\." directory 2755 /)
    expect(lines.slice(1).every((line) => line.includes(' 0:0 '))).toBe(true)
    expect(lines[2]).toMatch(/^"d" directory 755 /)
  })
})

/** Version 2: user::rw-, user:1:r--, group::r--, mask::r--, other::--- */
const entries = [
  [1, 6, -1],
  [2, 4, 1],
  [4, 4, -1],
  [16, 4, -1],
  [32, 0, -1],
] as const
const acl = Buffer.alloc(4 + 8 * entries.length)
acl.writeUInt32LE(2)
for (const [index, [tag, rights, id]] of entries.entries()) {
  acl.writeUInt16LE(tag, 4 + 8 * index)
  acl.writeUInt16LE(rights, 6 + 8 * index)
  acl.writeInt32LE(id, 8 + 8 * index)
}

describeWith(['setfattr', 'setcap'], 'L45 extended attributes', () => {
  const xattr = (name: string, value: Buffer | string): Buffer =>
    pax({[`SCHILY.xattr.${name}`]: value})
  const attributesOf = async (path: string | Buffer): Promise<string> => {
    const {stdout} = await execa('getfattr', [
      '--absolute-names',
      '-d',
      '-m',
      '-',
      '-e',
      'hex',
      '--',
      path.toString(),
    ])
    return stdout.split('\n').slice(1).filter(Boolean).sort().join('\n')
  }

  it('are kept: names with =, values with NUL and newline, empty and large ones', async () => {
    const {out} = await arena()
    const tar = archive(
      xattr('user.bytes', Buffer.from('a\0b\nc')),
      file('f', 'x', {mode: 0o444}),
      xattr('user.a%3Db', ''),
      directory('d', {mode: 0o555}),
      xattr('user.large', Buffer.alloc(3000, 1)),
      file('d/large', 'x'),
    )
    const warnings: string[] = []
    await unpack(tar, out, {onWarning: (message) => void warnings.push(message)})
    expect(await attributesOf(join(out, 'f'))).toBe('user.bytes=0x6100620a63')
    expect(await attributesOf(join(out, 'd'))).toBe('user.a\\075b=0x')
    expect(await attributesOf(join(out, 'd/large'))).toBe(`user.large=0x${'01'.repeat(3000)}`)
    expect(warnings).toEqual([])
  })

  it('are kept on names that are not UTF-8, and below such', async () => {
    const {out} = await arena()
    const name = Buffer.from('caf\u00e9', 'latin1')
    const tar = archive(
      xattr('user.dir', 'd'),
      member({name, type: '5', mode: 0o755, mtime: 5}),
      xattr('user.file', 'f'),
      member({name: Buffer.concat([name, Buffer.from('/'), name]), content: 'x', mtime: 6}),
    )
    await unpack(tar, out)
    const {stdout} = await execa('sh', [
      '-c',
      'cd "$1" && getfattr -R -d --absolute-names . | grep -a ^user; stat -c %Y caf* caf*/*',
      'sh',
      out,
    ])
    expect(stdout.split('\n')).toEqual(['user.dir="d"', 'user.file="f"', '5', '6'])
  })

  it.skipIf(!isRoot)('capabilities and ACLs are kept', async () => {
    const {out, around} = await arena()
    const model = join(around, 'model')
    await writeFile(model, 'x')
    await execa('setcap', ['cap_net_bind_service=ep', model])
    const {stdout} = await execa('getfattr', [
      '--absolute-names',
      '-n',
      'security.capability',
      '-e',
      'hex',
      '--',
      model,
    ])
    const capability = Buffer.from(/=0x([0-9a-f]+)/.exec(stdout)![1]!, 'hex')
    await rm(model)
    const tar = archive(
      xattr('security.capability', capability),
      file('capable', 'x', {uid: 7, gid: 8, mode: 0o755}),
      xattr('system.posix_acl_access', acl),
      file('acl', 'x', {mode: 0o640}),
      xattr('system.posix_acl_default', acl),
      directory('inherits'),
      file('inherits/not', 'x', {mode: 0o600}),
    )
    await unpack(tar, out)
    expect((await execa('getcap', [join(out, 'capable')])).stdout).toContain(
      'cap_net_bind_service=ep',
    )
    expect(await attributesOf(join(out, 'acl'))).toBe(
      `system.posix_acl_access=0x${acl.toString('hex')}`,
    )
    expect(lstatSync(join(out, 'acl')).mode & 0o777).toBe(0o640)
    expect(await attributesOf(join(out, 'inherits'))).toBe(
      `system.posix_acl_default=0x${acl.toString('hex')}`,
    )
    expect(await attributesOf(join(out, 'inherits/not'))).toBe('')
  })

  it('of a directory that comes twice are those of the second time', async () => {
    const {out} = await arena()
    const tar = archive(
      xattr('user.a', '1'),
      directory('d'),
      file('d/f'),
      pax({'SCHILY.xattr.user.b': '2', 'SCHILY.xattr.foo.c': '3'}),
      directory('d'),
    )
    await unpack(tar, out)
    expect(await attributesOf(join(out, 'd'))).toBe('user.b=0x32')
  })

  it('do not come from a default ACL around', async () => {
    const {out, around} = await arena()
    const hex = `0x${acl.toString('hex')}`
    await execa('setfattr', ['-n', 'system.posix_acl_default', '-v', hex, around])
    await unpack(archive(file('f', 'x', {mode: 0o600}), directory('d'), file('d/f')), out)
    for (const name of ['.', 'f', 'd', 'd/f']) expect(await attributesOf(join(out, name))).toBe('')
    expect(lstatSync(join(out, 'f')).mode & 0o777).toBe(0o600)
  })

  it('of other kinds, and where they cannot be, are left out with one warning each', async () => {
    const {out} = await arena()
    const warnings: string[] = []
    const tar = archive(
      xattr('trusted.overlay.opaque', 'y'),
      directory('a'),
      xattr('security.selinux', 'label'),
      file('b'),
      xattr('user.a', 'on a symlink'),
      symlink('s', 'x'),
      xattr('user.a', 'on another'),
      symlink('t', 'x'),
    )
    await unpack(tar, out, {onWarning: (message) => void warnings.push(message)})
    expect(warnings).toHaveLength(2)
    expect(warnings.sort()).toEqual([
      "some extended attributes are not unpacked, 'trusted.overlay.opaque' for one: they belong to the host that they were made on",
      "some extended attributes are not unpacked, 'user.a' for one: this user is not allowed to set them",
    ])
    expect(await attributesOf(join(out, 'b'))).toBe('')
  })
})

describe('emptyStart', () => {
  it('is an empty directory, or one with the empty directory of its name', async () => {
    const {out, around} = await arena()
    expect(await emptyStart({directory: out, force: false, name: 'cvmfs', path: '/'})).toEqual({
      refilled: undefined,
    })
    expect(await readdir(out)).toEqual(['cvmfs'])
    expect(await readdir(join(out, 'cvmfs'))).toEqual([])
    expect(lstatSync(join(out, 'cvmfs')).mode & 0o7777).toBe(0o755)
    const other = join(around, 'other')
    await emptyStart({directory: other, force: false, name: 'models', path: '/opt/models'})
    expect(await readdir(other)).toEqual([])
  })

  it('D24 refuses a directory with content without force', async () => {
    const {outside} = await arena()
    const before = treeSnapshot(outside, {identity: true})
    const start = {directory: outside, name: 'cvmfs', path: '/'}
    await expect(emptyStart({...start, force: false})).rejects.toMatchObject({
      code: 'ERR_INJECT_DIRECTORY_NOT_EMPTY',
    })
    expect(treeSnapshot(outside, {identity: true})).toEqual(before)
    await emptyStart({...start, force: true})
    expect(await readdir(outside)).toEqual(['cvmfs'])
    expect(existsSync(join(outside, 'secret'))).toBe(false)
  })
})
