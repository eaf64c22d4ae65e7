import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {chown, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {isPrivateFolder, mayBePrivateFolder} from '../../src/disk/private-folder.js'
import {isTrustedFolder} from '../../src/disk/trusted-folder.js'
import {asOtherUser, otherUser} from '../disk/as-other-user.js'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'
import {watchedRun} from '../support/watched-run.js'

const isRoot = process.geteuid?.() === 0

interface Way {
  /** Holds the folder of caches, and belongs to root. */
  readonly above: string
  readonly cache: string
  readonly inject: string
  readonly code: string
}

/** Moves the folder away and puts a link to it in its place. */
function linkInstead(folder: string, owner: number, target = `${folder}-real`): void {
  renameSync(folder, `${folder}-real`)
  symlinkSync(target, folder)
  lchownSync(folder, owner, owner)
}

const other = 12_345
const cases: readonly [string, boolean, (way: Way) => void][] = [
  ['all root’s', true, () => undefined],
  ['the folder of caches another user’s', false, ({cache}) => chownSync(cache, other, other)],
  ['the folder above that another user’s', false, ({above}) => chownSync(above, other, other)],
  ['ours another user’s', false, ({inject}) => chownSync(inject, other, other)],
  ['the last one another user’s', false, ({code}) => chownSync(code, other, other)],
  ['one that its group may write to', false, ({cache}) => chmodSync(cache, 0o770)],
  ['one that all may write to', false, ({cache}) => chmodSync(cache, 0o777)],
  ['one that all may add to, as /tmp', true, ({cache}) => chmodSync(cache, 0o1777)],
  ['the last one as /tmp', false, ({code}) => chmodSync(code, 0o1777)],
  ['root’s link', true, ({cache}) => linkInstead(cache, 0)],
  ['root’s link by a name with ..', true, ({cache}) => linkInstead(cache, 0, '../way/cache-real')],
  ['another user’s link', false, ({cache}) => linkInstead(cache, other)],
  ['another user’s link at the end', false, ({code}) => linkInstead(code, other)],
  ['a link that leads to itself', false, ({inject}) => linkInstead(inject, 0, inject)],
  [
    'root’s link to another user’s folder',
    false,
    ({inject}) => {
      linkInstead(inject, 0)
      chownSync(`${inject}-real`, other, other)
    },
  ],
]

async function makeWay(): Promise<Way> {
  const above = join(await tempDir(), 'way')
  const cache = join(above, 'cache')
  const own = join(cache, 'inject')
  const code = join(own, 'code')
  mkdirSync(code, {recursive: true, mode: 0o700})
  return {above, cache, inject: own, code}
}

describe.runIf(isRoot)('folders on the way to a cache', () => {
  it.each(cases)(
    'with %s, a code cache is used and written: %s, by the program and by bin/run.js alike (A8)',
    async (_, isTrusted, change) => {
      const way = await makeWay()
      const env = {XDG_CACHE_HOME: way.cache}
      expect(await watchedRun(['--version'], {env})).toMatchObject({exitCode: 0, cache: 'none'})
      expect(readdirSync(way.code)).toHaveLength(1)
      change(way)
      expect(isTrustedFolder(way.code)).toBe(isTrusted)
      const run = await watchedRun(['--version'], {env})
      expect(run).toMatchObject({exitCode: 0, stderr: '', cache: isTrusted ? 'used' : 'none'})
      if (isTrusted) return
      expect(await mayBePrivateFolder(way.code)).toBe(false)
      expect(await isPrivateFolder(way.code)).toBe(false)
      // nor is another one put there
      expect(await watchedRun(['help'], {env})).toMatchObject({exitCode: 0, cache: 'none'})
      expect(filesBelow(way.above)).toHaveLength(1)
    },
  )

  it('a link of this user is not followed, one of root is', async () => {
    const [above, own] = [await tempDir(), await tempDir()]
    await chown(own, otherUser, otherUser)
    await symlink(own, join(above, 'theirs'))
    lchownSync(join(above, 'theirs'), otherUser, otherUser)
    await symlink(own, join(above, 'system'))
    chmodSync(above, 0o755)
    await asOtherUser(() => {
      expect(isTrustedFolder(join(above, 'system'))).toBe(true)
      expect(isTrustedFolder(join(above, 'theirs'))).toBe(false)
      return Promise.resolve()
    })
  })
})

describe.runIf(isRoot)('root with the HOME of another user, as sudo may leave it', () => {
  it('uses no cache of theirs, and leaves nothing in it (A8)', async () => {
    const [where, home] = [await tempDir(), join(await tempDir(), 'home')]
    mkdirSync(home)
    chownSync(home, other, other)
    const [image, tree] = [await makeLayoutImage(where), join(where, 'tree')]
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'x'.repeat(100_000))
    const env = {HOME: home}
    const args = ['update', image, tree, '--tag', 'new', '--cache', '--trust-mtime']
    const run = await inject(args, {env: {...env, NODE_COMPILE_CACHE: ''}})
    expect(run).toMatchObject({exitCode: 0})
    expect(readdirSync(home)).toEqual([])
    // nor where the folders are root's, who once forgot the same
    mkdirSync(join(home, '.cache', 'inject', 'code'), {recursive: true, mode: 0o700})
    expect(await watchedRun(['--version'], {env})).toMatchObject({exitCode: 0, cache: 'none'})
    expect(readdirSync(join(home, '.cache', 'inject', 'code'))).toEqual([])
  })
})

/** Files, by whatever names lead to them. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile())
    .map(({name, parentPath}) => readFileSync(join(parentPath, name)).length.toString())
}
