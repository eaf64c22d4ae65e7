import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {execFileSync} from 'node:child_process'
import {describe, expect, it} from 'vitest'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {walkedOnce, type WalkedOnce} from '../../../src/layer/recording/recorded-content.js'
import {treeEntries} from '../../../src/layer/tree/walk-tree.js'
import type {Entries, Tree} from '../../../src/layer/tree/walked-entry.js'
import {tempDir} from '../../support/temp-dir.js'

const MiB = 1024 * 1024
const year2300 = new Date('2300-01-01T00:00:00Z')

/** All kinds of entries, some of them large, in a tree that `more` describes. */
async function someTree(more: Partial<Tree> = {}) {
  const directory = join(await tempDir(), 'tree')
  mkdirSync(directory)
  const at = (name: string): string => join(directory, name)
  for (let folder = 0; folder < 10; folder++) {
    mkdirSync(at(`folder${folder}`))
    for (let file = 0; file < 40; file++)
      writeFileSync(at(`folder${folder}/${file}`), Buffer.alloc(file * 1500, `${file}`))
  }
  writeFileSync(at('large'), Buffer.alloc(3 * MiB + 700, 'large'))
  writeFileSync(at('middle'), Buffer.alloc(512 * 1024, 'middle'))
  writeFileSync(at('empty'), '')
  writeFileSync(at('ünïcode'), 'bytes')
  writeFileSync(at('x'.repeat(200)), 'long')
  linkSync(at('large'), at('other'))
  symlinkSync('large', at('link'))
  execFileSync('mkfifo', [at('pipe')])
  // nanoseconds since 1970 have more than 64 bits then
  for (const name of ['middle', 'folder3']) utimesSync(at(name), year2300, year2300)
  const warnings: string[] = []
  const onWarning = (message: string) => warnings.push(message)
  const tree = {directory, path: '/', exclude: [], ...more}
  return {directory, at, warnings, entries: treeEntries({tree, onWarning})}
}

function setNote(paths: readonly string[], text: string): void {
  execFileSync('setfattr', ['-n', 'user.note', '-v', text, ...paths])
}

/** Looked at, and ready to be read. */
function lookedAt(entries: Entries): WalkedOnce {
  const {walk} = entries
  if (!walk) throw new Error('not a tree')
  const once = walkedOnce(entries, walk)
  expect(Array.from(once.names()).length).toBeGreaterThan(300)
  return once
}

describe('a walk that is recorded, and read then', () => {
  it.each<[string, Partial<Tree>]>([
    ['a tree', {}],
    ['a place in the image', {path: '/opt/models'}],
    ['an owner and a time', {owner: {uid: 7, gid: 8}, clampMtime: 1_600_000_000}],
    ['names that are left out', {exclude: ['folder1*', 'middle']}],
  ])('gives what a walk gives: %s', async (_, more) => {
    const {entries, at, warnings} = await someTree(more)
    setNote([at('folder3/7'), at('folder4')], 'x'.repeat(3000))
    const alone = await hashLayer(entries)
    expect(alone?.entries).toBeGreaterThan(300)
    expect(await hashLayer(lookedAt(entries).content)).toEqual(alone)
    expect(warnings).toEqual([])
  })

  it.each<[string, (at: (name: string) => string) => void]>([
    ['a file with other content', (at) => writeFileSync(at('folder7/30'), 'y')],
    ['a file that grew', (at) => truncateSync(at('large'), 4 * MiB)],
    ['a file of the same size', (at) => writeFileSync(at('folder7/1'), 'z'.repeat(1500))],
    ['a file with another mode', (at) => chmodSync(at('folder7/30'), 0o600)],
    ['a new name', (at) => writeFileSync(at('folder8/new'), '')],
    ['a name in the directory itself', (at) => writeFileSync(at('new'), '')],
    ['a directory with another mode', (at) => chmodSync(at('folder9'), 0o700)],
    ['a file that was replaced', (at) => renameSync(at('folder1/9'), at('folder1/8'))],
    ['a link that was replaced', (at) => renameSync(at('link'), at('empty'))],
    ['a directory that was moved', (at) => renameSync(at('folder1'), at('folder99'))],
    ['a time that was set back', (at) => utimesSync(at('folder2/3'), 1, 1)],
    ['attributes', (at) => setNote([at('folder2/3')], 'x')],
    ['attributes of a directory', (at) => setNote([at('folder2')], 'x')],
  ])('notices what was changed after the look: %s', async (_, change) => {
    for (const path of ['/', '/opt/models']) {
      const {entries, at} = await someTree({path})
      const {content} = lookedAt(entries)
      change(at)
      await expect(hashLayer(content)).rejects.toMatchObject({
        code: 'ERR_INJECT_CHANGED_WHILE_PACKED',
      })
    }
  })

  it('names what was changed as an error about a file does', async () => {
    const {entries, at} = await someTree({path: '/opt/models'})
    const {content} = lookedAt(entries)
    writeFileSync(at('folder8/new'), '')
    await expect(hashLayer(content)).rejects.toThrow("'opt/models/folder8' changed")
  })

  it('walks a tree that nobody looked at', async () => {
    const {entries} = await someTree()
    const once = entries.walk && walkedOnce(entries, entries.walk)
    expect(await hashLayer(once?.content ?? (() => []))).toEqual(await hashLayer(entries))
  })
})
