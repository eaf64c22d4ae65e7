import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {execaSync} from 'execa'
import {describe, expect, it, onTestFinished} from 'vitest'
import {recordedWalk, type WalkKeeper} from '../../../src/layer/recording/recorded-walk.js'
import {lookOf} from '../../../src/layer/tree/layer-look.js'
import {treeEntries, walkKey, walkTree} from '../../../src/layer/tree/walk-tree.js'
import type {Entries, Tree} from '../../../src/layer/tree/walked-entry.js'
import {mayMount} from '../../support/may-mount.js'
import {tempDir} from '../../support/temp-dir.js'
import {setXattr} from '../../support/xattr.js'

const whole = (parts: readonly Uint8Array[] | undefined) => parts && Buffer.concat(parts)
const later = 2n ** 62n
const quiet = (): void => undefined

/** A tree that was walked and kept; `walk` walks it again, and counts walks of the tree itself. */
async function start(rest: Partial<Tree> = {}) {
  const directory = join(await tempDir(), 'tree')
  mkdirSync(join(directory, 'd/deeper'), {recursive: true})
  mkdirSync(join(directory, 'empty'))
  writeFileSync(join(directory, 'd/file'), 'content')
  writeFileSync(join(directory, 'd/ümläut'), 'content')
  writeFileSync(join(directory, 'shared'), 'with two names')
  linkSync(join(directory, 'shared'), join(directory, 'd/deeper/link'))
  symlinkSync('target', join(directory, 'symlink'))
  const tree: Tree = {directory, path: '/', exclude: [], ...rest}
  const prefix = tree.path === '/' ? '' : `${tree.path.slice(1)}/`
  let walks = 0
  let kept: Uint8Array | undefined
  const walk = (options: Partial<WalkKeeper> = {}) => {
    const own = treeEntries({tree, onWarning: quiet})
    const entries: Entries = (detail) => {
      walks++
      return own(detail)
    }
    let encode: (() => readonly Uint8Array[] | undefined) | undefined
    const keeper = {now: later, before: later, kept, ...options}
    const keep: WalkKeeper['keep'] = (encoder) => (encode = encoder)
    const recorded = recordedWalk(Object.assign(entries, {walk: own.walk}), prefix, {
      ...keeper,
      keep,
    })
    const found = [...recorded('states')]
    const look = recorded.look?.()
    const isNew = encode !== undefined
    if (encode) kept = whole(encode())
    const counted = walks
    walks = 0
    return {found, look, walks: counted, isNew, isKept: kept !== undefined}
  }
  const fresh = () => [...walkTree({tree, onWarning: quiet}, 'states')]
  expect(walk().walks).toBe(1)
  return {directory, walk, fresh, path: (name: string) => join(directory, name)}
}

/** Writes a file until it is newer than another one: clocks of file systems tick. */
function touchLater(path: string, other: string) {
  const {ctimeNs} = lstatSync(other, {bigint: true})
  for (;;) {
    writeFileSync(path, 'now')
    const stat = statSync(path, {bigint: true})
    if (stat.ctimeNs > ctimeNs) return stat
  }
}

describe('a walk that is kept', () => {
  it.each(['/', '/opt/data'])(
    'is not walked again if nobody touched the tree (at %s)',
    async (path) => {
      const {walk, fresh} = await start({path})
      const again = walk()
      expect(again).toMatchObject({walks: 0, isNew: false})
      expect(again.found).toEqual(fresh())
      expect(again.look).toEqual(lookOf(fresh()))
    },
  )

  it('is brought up to date where files were touched, and nothing is listed', async () => {
    const {walk, fresh, path} = await start({
      chmod: [{classes: 0o7777, action: '=', bits: 0o600, maybeExecute: 0}],
    })
    writeFileSync(path('d/file'), 'more content')
    chmodSync(path('d/ümläut'), 0o755)
    const changed = walk()
    expect(changed).toMatchObject({walks: 0, isNew: true})
    expect(changed.found).toEqual(fresh())
    expect(changed.look).toEqual(lookOf(fresh()))
    expect(walk()).toMatchObject({walks: 0, isNew: false, found: fresh()})
  })

  const touches: Record<string, (path: (name: string) => string) => unknown> = {
    'a file is new': (path) => writeFileSync(path('d/new'), ''),
    'a file is new in an empty directory': (path) => writeFileSync(path('empty/new'), ''),
    'a file is gone': (path) => rmSync(path('d/file')),
    'a file has another name': (path) => renameSync(path('d/file'), path('d/file2')),
    'a file was replaced, with its old times': (path) => {
      const {atime, mtime} = statSync(path('d/file'))
      writeFileSync(path('d/new'), 'CONTENT')
      utimesSync(path('d/new'), atime, mtime)
      renameSync(path('d/new'), path('d/file'))
    },
    'a file became a directory': (path) => {
      rmSync(path('d/file'))
      mkdirSync(path('d/file'))
    },
    'a file became a symbolic link': (path) => {
      rmSync(path('d/file'))
      symlinkSync('target', path('d/file'))
    },
    'a file got another name': (path) => linkSync(path('d/file'), path('other')),
    'a file got a name elsewhere': (path) => linkSync(path('d/file'), path('../elsewhere')),
    'a file with several names has other content': (path) =>
      writeFileSync(path('d/deeper/link'), 'for both'),
    'a hard link became a copy': (path) => {
      const content = readFileSync(path('shared'))
      rmSync(path('d/deeper/link'))
      writeFileSync(path('d/deeper/link'), content)
    },
    'another file was moved to the name of a hard link': (path) => {
      writeFileSync(path('../new'), 'with two names')
      renameSync(path('../new'), path('shared'))
    },
    'a hard link leads to another file': (path) => {
      rmSync(path('shared'))
      linkSync(path('d/file'), path('shared'))
    },
    'two names of files were exchanged': (path) => {
      renameSync(path('d/file'), path('d/other'))
      renameSync(path('shared'), path('d/file'))
      renameSync(path('d/other'), path('shared'))
    },
    'a file was written under the name that is a hard link': (path) =>
      writeFileSync(path('shared'), 'for both, too'),
    'a symbolic link leads elsewhere': (path) => {
      rmSync(path('symlink'))
      symlinkSync('elsewhere', path('symlink'))
    },
    'a directory has another mode': (path) => chmodSync(path('empty'), 0o700),
    'a directory has another time': (path) => utimesSync(path('empty'), 1, 1),
    'the directory itself has another name in it': (path) => mkdirSync(path('new')),
    'a FIFO stands in place of a file': (path) => {
      rmSync(path('d/file'))
      execaSync('mkfifo', [path('d/file')])
    },
    'a directory got an attribute': (path) =>
      setXattr(path('empty'), 'user.note', Buffer.from('x')),
    'the rules leave a file out': (path) => writeFileSync(path('.injectignore'), 'file\n'),
    'a file belongs to somebody else': (path) =>
      process.getuid?.() === 0 ? chownSync(path('d/file'), 12, 34) : chmodSync(path('d/file'), 0),
  }

  it.each(Object.entries(touches))('sees that %s', async (_, touch) => {
    const {walk, fresh, path} = await start()
    const before = walk().found
    await touch(path)
    const {found, look} = walk()
    expect(found).toEqual(fresh())
    expect(found).not.toEqual(before)
    expect(look).toEqual(lookOf(fresh()))
  })

  it('is brought up to date where a file with several names was touched', async () => {
    const {walk, fresh, path} = await start({path: '/opt'})
    linkSync(path('d/file'), path('../elsewhere'))
    walk()
    writeFileSync(path('shared'), 'other content')
    writeFileSync(path('d/file'), 'other content, too')
    expect(walk()).toMatchObject({walks: 0, isNew: true, found: fresh()})
    expect(walk()).toMatchObject({walks: 0, isNew: false, found: fresh(), look: lookOf(fresh())})
  })

  it.runIf(mayMount())('sees a file that is mounted over a hard link, and its end', async () => {
    const {walk, fresh, path} = await start()
    const before = fresh()
    writeFileSync(path('../over'), 'with two names')
    execaSync('mount', ['--bind', path('../over'), path('shared')])
    onTestFinished(() => void execaSync('umount', ['-l', path('shared')], {reject: false}))
    const mounted = walk().found
    expect(mounted).toEqual(fresh())
    expect(mounted).not.toEqual(before)
    execaSync('umount', [path('shared')])
    expect(walk().found).toEqual(before)
    // a link of its own file: only the mount says that it can end without a trace
    execaSync('mount', ['--bind', path('shared'), path('d/file')])
    onTestFinished(() => void execaSync('umount', ['-l', path('d/file')], {reject: false}))
    expect(walk().found).toEqual(fresh())
    execaSync('umount', [path('d/file')])
    expect(walk().found).toEqual(before)
  })

  it('looks again at files that may change and look the same', async () => {
    const {walk, path, fresh} = await start()
    const {ctimeNs} = touchLater(path('d/file'), path('symlink'))
    expect(walk({before: ctimeNs})).toMatchObject({walks: 0, isNew: true})
    // the state that was kept equals no other
    expect(walk({before: ctimeNs})).toMatchObject({walks: 0, isNew: true, found: fresh()})
    expect(walk()).toMatchObject({walks: 0, isNew: true})
    expect(walk()).toMatchObject({walks: 0, isNew: false})
  })

  it('is not kept where a directory may change and look the same', async () => {
    const {walk, path} = await start()
    writeFileSync(path('empty/new'), '')
    const {ctimeNs} = statSync(path('empty'), {bigint: true})
    expect(walk({before: ctimeNs})).toMatchObject({walks: 1, isKept: false})
  })

  it('believes no time of the future: somebody set the clock back', async () => {
    const {walk, path} = await start()
    const {ctimeNs} = statSync(path('empty'), {bigint: true})
    expect(walk({now: ctimeNs}).walks).toBe(1)
  })

  it('is of no use when it is damaged', async () => {
    const {walk, fresh} = await start()
    for (const kept of [new Uint8Array(0), new Uint8Array(63), new Uint8Array(1000).fill(1)])
      expect(walk({kept})).toMatchObject({walks: 1, found: fresh()})
  })

  it('has the key of its rules, those in the tree included', async () => {
    const {path} = await start()
    const tree: Tree = {directory: path(''), path: '/', exclude: []}
    writeFileSync(path('.injectignore'), 'one\n')
    const key = walkKey(tree)
    expect(walkKey({...tree})).toBe(key)
    expect(walkKey({...tree, exclude: ['two']})).not.toBe(key)
    expect(walkKey({...tree, path: '/opt'})).not.toBe(key)
    writeFileSync(path('.injectignore'), 'two\n')
    expect(walkKey(tree)).not.toBe(key)
  })
})
