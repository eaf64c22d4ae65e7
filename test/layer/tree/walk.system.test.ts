import {execa, execaSync} from 'execa'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {createServer} from 'node:net'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {ignoreRules} from '../../../src/layer/tree/ignore-rules.js'
import {walk, type WalkOptions} from '../../../src/layer/tree/walk.js'
import {setXattr} from '../../support/xattr.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'

const isRoot = process.getuid?.() === 0

function entries(directory: string, options: Partial<WalkOptions> = {}) {
  return [...walk(directory, {path: '/', ...options})].map(({entry}) => entry)
}

const paths = (directory: string, options: Partial<WalkOptions> = {}) =>
  entries(directory, options).map(({path}) => path)

describe('walk', () => {
  it('gives parents before children and names in the order of their bytes', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'a/b'), {recursive: true})
    for (const name of ['a-1', 'a.txt', 'a/b/z', 'a/B', 'Z', 'é', '~'])
      writeFileSync(join(root, name), '')
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xe9])]), '')
    const é = Buffer.from('é').toString('latin1')
    expect(paths(root)).toEqual(['Z', 'a', 'a/B', 'a/b', 'a/b/z', 'a-1', 'a.txt', '~', é, '\u00E9'])
  })

  it('gives directories, and passes over files, where no more is asked for', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'a/b'), {recursive: true})
    for (const name of ['x', 'a/y', 'a/b/z']) writeFileSync(join(root, name), '')
    symlinkSync('a', join(root, 'link'))
    const found = entries(root, {detail: 'directories'})
    expect(found.map(({path}) => path)).toEqual(['a', 'a/b', 'link'])
    expect(found).toEqual(entries(root, {detail: 'names'}).filter(({kind}) => kind !== 'file'))
  })

  it('D4 gives nothing for an empty directory, and the directory itself only where it has a place', async () => {
    const root = await tempDir()
    chmodSync(root, 0o750)
    utimesSync(root, 5, 5)
    expect(entries(root)).toEqual([])
    expect(entries(root, {path: '/opt/models'})).toMatchObject([
      {kind: 'directory', path: 'opt/models', mode: 0o750, mtime: 5},
    ])
    writeFileSync(join(root, 'x'), '')
    expect(paths(root, {path: '/opt/models'})).toEqual(['opt/models', 'opt/models/x'])
  })

  it('drops nanoseconds towards the past, and keeps times before 1970 and beyond 2038 (D26)', async () => {
    const root = await tempDir()
    for (const [name, time] of [
      ['a', 1.9],
      ['b', -1.5],
      ['c', -2_000_000_000],
      ['d', 4_000_000_000],
    ] as const) {
      writeFileSync(join(root, name), '')
      utimesSync(join(root, name), new Date(time * 1000), new Date(time * 1000))
    }
    expect(entries(root).map(({mtime}) => mtime)).toEqual([1, -2, -2_000_000_000, 4_000_000_000])
    expect(entries(root, {clampMtime: 0}).map(({mtime}) => mtime)).toEqual([
      0, -2, -2_000_000_000, 0,
    ])
  })

  it('keeps modes with setuid, setgid and sticky (D17), and owners unless one is forced', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'x'), '')
    chmodSync(join(root, 'x'), 0o7751)
    expect(entries(root)[0]).toMatchObject({
      mode: 0o7751,
      uid: process.getuid?.(),
      gid: statSync(join(root, 'x')).gid,
    })
    expect(entries(root, {owner: {uid: 7, gid: 8}})[0]).toMatchObject({uid: 7, gid: 8})
  })

  it('D11 D12 keeps symlinks as they are: dangling, circular, to anywhere', async () => {
    const root = await tempDir()
    for (const [name, target] of [
      ['a', 'b'],
      ['b', 'a'],
      ['c', '/nowhere'],
      ['d', '../..'],
      ['e', '.'],
    ] as const)
      symlinkSync(target, join(root, name))
    expect(entries(root)).toMatchObject([
      {target: 'b'},
      {target: 'a'},
      {target: '/nowhere'},
      {target: '../..'},
      {target: '.'},
    ])
    expect(entries(root).every(({kind}) => kind === 'symlink')).toBe(true)
  })

  it('D13 finds hard links by inode: the first name holds the content, and a link to outside is a file', async () => {
    const root = await tempDir()
    const outside = await tempDir()
    writeFileSync(join(root, 'a'), 'content')
    linkSync(join(root, 'a'), join(root, 'b'))
    writeFileSync(join(outside, 'x'), 'outside')
    linkSync(join(outside, 'x'), join(root, 'c'))
    symlinkSync('a', join(root, 'd'))
    linkSync(join(root, 'd'), join(root, 'e'))
    expect(entries(root, {path: '/p'}).slice(1)).toMatchObject([
      {path: 'p/a', kind: 'file', size: 7},
      {path: 'p/b', kind: 'hardlink', target: 'p/a'},
      {path: 'p/c', kind: 'file', size: 7},
      {path: 'p/d', kind: 'symlink', target: 'a'},
      {path: 'p/e', kind: 'hardlink', target: 'p/d'},
    ])
    expect(entries(root, {isExcluded: (path) => path === 'a'})).toMatchObject([
      {path: 'b', kind: 'file'},
      {path: 'c'},
      {path: 'd'},
      {path: 'e'},
    ])
  })

  it('D6 D7 keeps FIFOs without opening them, and leaves sockets out with a warning', async () => {
    const root = await tempDir()
    execaSync('mkfifo', [join(root, 'fifo')])
    const server = createServer().listen(join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    const warnings: string[] = []
    expect(entries(root, {onWarning: (message) => warnings.push(message)})).toMatchObject([
      {path: 'fifo', kind: 'fifo'},
    ])
    expect(warnings).toEqual(["'socket' is a socket, which a layer cannot hold: left out"])
    server.close()
  })

  it.runIf(isRoot)('D8 keeps device nodes with their numbers', async () => {
    const root = await tempDir()
    execaSync('mknod', [join(root, 'c'), 'c', '10', '300'])
    execaSync('mknod', [join(root, 'b'), 'b', '259', '65537'])
    expect(entries(root)).toMatchObject([
      {path: 'b', kind: 'block-device', major: 259, minor: 65_537},
      {path: 'c', kind: 'character-device', major: 10, minor: 300},
    ])
  })

  it('D15 refuses names that would delete files of the image, unless that is wanted', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'd'))
    writeFileSync(join(root, 'd/.wh.x'), '')
    expect(() => entries(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_INJECT_WHITEOUT',
        hint: expect.stringContaining('--whiteouts') as string,
      }),
    )
    expect(paths(root, {whiteouts: true})).toEqual(['d', 'd/.wh.x'])
    expect(paths(root, {isExcluded: (path) => path === 'd/'})).toEqual([])
  })

  it('D19 notices what vanishes, and what appears while a directory is walked', async () => {
    const root = await tempDir()
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), '')
    const vanishing = walk(root, {path: '/'})
    vanishing.next()
    rmSync(join(root, 'c'))
    expect(() => [...vanishing]).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_CHANGED_WHILE_PACKED'}),
    )
    const appearing = walk(root, {path: '/'})
    appearing.next()
    writeFileSync(join(root, 'd'), '')
    expect(() => [...appearing]).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_CHANGED_WHILE_PACKED'}),
    )
    const renamed = walk(root, {path: '/'})
    renamed.next()
    renameSync(join(root, 'd'), join(root, 'e'))
    expect(() => [...renamed]).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_CHANGED_WHILE_PACKED'}),
    )
  })

  it('D14 D23 reaches paths of more than 5,000 bytes', async () => {
    const root = await tempDir()
    const name = 'n'.repeat(250)
    // no single call takes such a path, so the tree is made from inside
    await execa(
      'sh',
      [
        '-c',
        `for i in $(seq 21); do mkdir ${name}; cd -P ${name} 2>/dev/null || cd ${name}; done; echo hi > leaf`,
      ],
      {cwd: root},
    )
    const found = entries(root)
    expect(found).toHaveLength(22)
    expect(found.at(-1)).toMatchObject({
      kind: 'file',
      path: `${`${name}/`.repeat(21)}leaf`,
      size: 3,
    })
    await execa('rm', ['-rf', join(root, name)])
  })

  it('D23 refuses what is deeper than any layer that could be unpacked', async () => {
    const root = await tempDir()
    const deep = Array.from({length: 256}, () => 'd').join('/')
    mkdirSync(join(root, deep), {recursive: true})
    expect(paths(root)).toHaveLength(256)
    expect(() => paths(root, {path: '/opt'})).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_PATH_TOO_DEEP'}),
    )
    writeFileSync(join(root, deep, 'f'), '')
    expect(() => paths(root)).toThrow(expect.objectContaining({code: 'ERR_INJECT_PATH_TOO_DEEP'}))
  })

  it('refuses what a killed unpack left in the directory', async () => {
    const root = await tempDir()
    mkdirSync(join(root, '.inject-new-1-2-01234567-0123456789abcdef'))
    expect(() => entries(root)).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_UNPACK_UNFINISHED'}),
    )
  })

  it('D5 names the directory that cannot be read', async () => {
    const root = await tempDir()
    mkdirSync(join(root, 'closed'), {mode: 0o000})
    if (isRoot) return
    expect(() => entries(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_INJECT_LOCAL_IO',
        message: expect.stringContaining('closed') as string,
      }),
    )
  })
})

describeWith(['setfattr'], 'extended attributes', () => {
  const setxattr = {x64: 188, arm64: 5}[process.arch as string]
  it.runIf(setxattr)(
    'L45 fails for attributes that cannot be read: silence would lose a capability',
    async () => {
      const root = await tempDir()
      writeFileSync(join(root, 'x'), '')
      // no argument can hold such a name
      const script = `my ($p, $n, $v) = ($ARGV[0], "user.\\xff", "v"); syscall(${setxattr}, $p, $n, $v, 1, 0) == 0 or die $!`
      execaSync('perl', ['-e', script, join(root, 'x')])
      expect(() => entries(root)).toThrow(
        expect.objectContaining({code: 'ERR_INJECT_XATTR_UNREADABLE'}),
      )
    },
  )

  it('keeps what belongs to the content, sorted, and leaves the host its own', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'x'), '')
    await setXattr(join(root, 'x'), 'user.b', Buffer.from([0, 255, 10]))
    await setXattr(join(root, 'x'), 'user.a', Buffer.from('é'))
    if (isRoot) {
      await setXattr(join(root, 'x'), 'trusted.overlay.opaque', Buffer.from('y'))
      await setXattr(join(root, 'x'), 'security.selinux', Buffer.from('label')).catch(
        () => undefined,
      )
    }
    const [entry] = entries(root)
    expect([...(entry?.xattrs ?? [])]).toEqual([
      ['user.a', Buffer.from('é')],
      ['user.b', Buffer.from([0, 255, 10])],
    ])
  })
})

describe('ignoreRules', () => {
  it('has none without patterns and file', async () => {
    expect(ignoreRules(await tempDir(), [])).toBeUndefined()
  })

  it('takes gitignore syntax from .injectignore, which is left out itself, and patterns after it', async () => {
    const root = await tempDir()
    for (const name of [
      'keep.log',
      'drop.log',
      'cache/x',
      'deep/cache/y',
      'deep/README.md',
      'Drop.LOG',
    ]) {
      mkdirSync(join(root, name, '..'), {recursive: true})
      writeFileSync(join(root, name), '')
    }
    writeFileSync(join(root, '.injectignore'), '# logs\n*.log\n!keep.log\ncache/\n')
    const walked = (patterns: string[]) => paths(root, {isExcluded: ignoreRules(root, patterns)!})
    expect(walked([])).toEqual(['Drop.LOG', 'deep', 'deep/README.md', 'keep.log'])
    expect(walked(['!drop.log', '/deep/'])).toEqual(['Drop.LOG', 'drop.log', 'keep.log'])
  })

  it('matches names that are not UTF-8 without failing', async () => {
    const root = await tempDir()
    writeFileSync(
      Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff]), Buffer.from('.tmp')]),
      '',
    )
    expect(paths(root, {isExcluded: ignoreRules(root, ['*.tmp'])!})).toEqual([])
  })

  it('refuses a rules file of more than 1 MiB, and does not wait for a FIFO', async () => {
    const root = await tempDir()
    writeFileSync(join(root, '.injectignore'), Buffer.alloc(1024 * 1024 + 1, '#'))
    expect(() => ignoreRules(root, [])).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_IGNORE_FILE_TOO_LARGE'}),
    )
    rmSync(join(root, '.injectignore'))
    execaSync('mkfifo', [join(root, '.injectignore')])
    expect(() => ignoreRules(root, [])).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_IGNORE_FILE_INVALID'}),
    )
    rmSync(join(root, '.injectignore'))
    symlinkSync('/dev/zero', join(root, '.injectignore'))
    expect(() => ignoreRules(root, [])).toThrow(
      expect.objectContaining({code: 'ERR_INJECT_IGNORE_FILE_INVALID'}),
    )
  })
})
