import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {ownedName} from '../../../src/disk/owned-name.js'
import {fillDirectory} from '../../../src/layer/unpack/fill-directory.js'
import {identityOf} from '../../../src/layer/folder-mark.js'
import {makeChange} from '../../../src/layer/unpack/make-change.js'
import {openFolder} from '../../../src/layer/unpack/folders/open-folder.js'
import {openTreeRoot} from '../../../src/layer/unpack/folders/tree-root.js'
import {type TreeChange, writeChange} from '../../../src/layer/unpack/tree-change.js'
import {tempDir} from '../../support/temp-dir.js'

/** Files are replaced, come and go; names change their kind; directories come, go and change. */
function makeVersions(around: string): string {
  const out = join(around, 'out')
  for (const folder of ['a/b', 'gone/inner', 'was-folder', 'locked'])
    mkdirSync(join(out, folder), {recursive: true})
  for (const file of ['a/b/replaced', 'a/kept', 'gone/inner/file', 'was-folder/file', 'was-file'])
    writeFileSync(join(out, file), `old ${file}`)
  writeFileSync(join(out, 'locked/file'), 'old')
  const work = join(around, 'work')
  mkdirSync(join(work, 'layer/a/b'), {recursive: true, mode: 0o700})
  for (const file of ['a/b/replaced', 'was-folder', 'come', 'locked'])
    writeFileSync(join(work, 'layer', file), `new ${file}`)
  symlinkSync('nowhere', join(work, 'layer/link'))
  chmodSync(work, 0o700)
  chmodSync(join(out, 'locked'), 0o500)
  return out
}

const owner = () => ({uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0})

function changeOf(around: string, aside: string): TreeChange {
  const tree = openFolder(join(around, 'out'))
  const identity = identityOf(tree)
  tree.close()
  const put = [
    ['a/b/replaced', 'a/b/replaced'],
    ['was-folder', 'was-folder'],
    ['was-file/inner/come', 'come'],
    ['locked/file', 'locked'],
    ['a/link', 'link'],
  ].map(([path = '', from = '']): [string, string, string] => {
    const {ino} = lstatSync(join(around, 'work/layer', from), {bigint: true})
    return [path, `layer/${from}`, ino.toString()]
  })
  const folders = ['was-file/inner', 'was-file', 'locked', 'a/b', 'a', ''].map((path) => {
    const mode = path === 'locked' ? 0o500 : path === 'was-file' ? 0o600 : 0o755
    return {path, mode, ...owner(), mtime: 1000 + path.length}
  })
  return {
    version: 1,
    aside,
    identity,
    removed: ['gone/inner/file', 'was-folder/file', 'was-file'],
    gone: ['was-folder', 'gone/inner', 'gone'],
    made: ['was-file', 'was-file/inner'],
    put,
    folders,
  }
}

function deadName(prefix: string): string {
  return ownedName(prefix).replace(`${prefix}${process.pid}-`, `${prefix}4194303-`)
}

/** Kinds, modes, times of directories, contents. */
function described(tree: string): string[] {
  const names = readdirSync(tree, {recursive: true, encoding: 'utf8'}).sort()
  return ['', ...names].map((name) => {
    const path = join(tree, name)
    const stat = lstatSync(path)
    const mode = (stat.mode & 0o7777).toString(8)
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
    if (stat.isDirectory()) return `${name}/ ${mode} ${stat.mtimeMs}`
    return `${name} ${mode} ${readFileSync(path, 'utf8')}`
  })
}

/** Makes so many steps of the change in `around` and stops, as a killed process does. */
function makeSteps(around: string, steps: number): {readonly isDone: boolean} {
  const aside = deadName('.out.inject-half-')
  const change = changeOf(around, aside)
  const [work, parent] = [openTreeRoot(join(around, 'work')), openFolder(around)]
  onTestFinished(() => {
    work.close()
    parent.close()
  })
  writeChange(work, change)
  parent.rename('work', parent, '.out.inject-turn')
  parent.rename('out', parent, aside)
  const tree = parent.open(aside)
  const going = makeChange(change, {tree, work, onWarning: () => undefined})
  let isDone = false
  for (let step = 0; step < steps && !isDone; step++) isDone = going.next().done === true
  tree.close()
  return {isDone}
}

async function finish(around: string, warnings: string[] = []): Promise<void> {
  const onWarning = (message: string): void => void warnings.push(message)
  const options = {directory: join(around, 'out'), force: false, onWarning}
  // it is complete before anyone sees that it is not empty
  await expect(
    fillDirectory(options, () => Promise.reject(new Error('not called'))),
  ).rejects.toThrow('is not empty')
}

it('is completed by the next run, wherever the one that made it was killed', async () => {
  const expected = [
    '/ 755 1000000',
    'a/ 755 1001000',
    'a/b/ 755 1003000',
    'a/b/replaced 644 new a/b/replaced',
    'a/kept 644 old a/kept',
    'a/link -> nowhere',
    'locked/ 500 1006000',
    'locked/file 644 new locked',
    'was-file/ 600 1008000',
    'was-file/inner/ 755 1014000',
    'was-file/inner/come 644 new come',
    'was-folder 644 new was-folder',
  ]
  let steps = 0
  for (let isDone = false; !isDone; steps++) {
    const around = await tempDir()
    const out = makeVersions(around)
    isDone = makeSteps(around, steps).isDone
    expect(existsSync(out)).toBe(false)
    const warnings: string[] = []
    await finish(around, warnings)
    expect(warnings).toEqual([expect.stringMatching(/is complete again: a run that was killed/)])
    expect(readdirSync(around)).toEqual(['out'])
    if (process.geteuid?.() !== 0) chmodSync(join(out, 'was-file'), 0o700)
    expect(described(out).map((line) => line.replace('was-file/ 700', 'was-file/ 600'))).toEqual(
      expected,
    )
  }
  expect(steps).toBeGreaterThan(17)
})

it('is not made when the directory that it is for is another one', async () => {
  const around = await tempDir()
  makeVersions(around)
  makeSteps(around, 3)
  const aside = readdirSync(around).find((name) => name.includes('-half-')) ?? ''
  renameSync(join(around, aside), join(around, 'elsewhere'))
  mkdirSync(join(around, aside))
  writeFileSync(join(around, aside, 'other'), '')
  const written = await fillDirectory({directory: join(around, 'out'), force: false}, () =>
    Promise.resolve({result: 'called', root: undefined}),
  )
  expect(written.result).toBe('called')
  expect(readdirSync(join(around, 'out'))).toEqual([])
})

it('does not begin with a change that is not whole', async () => {
  const around = await tempDir()
  makeVersions(around)
  makeSteps(around, 3)
  const path = join(around, '.out.inject-turn/change')
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -3))
  await fillDirectory({directory: join(around, 'out'), force: false}, () =>
    Promise.resolve({result: undefined, root: undefined}),
  )
  expect(readdirSync(join(around, 'out'))).toEqual([])
})

it('leaves alone what belongs to a run that still works on it', async () => {
  const around = await tempDir()
  const out = makeVersions(around)
  cpSync(out, join(around, 'before'), {recursive: true})
  const aside = ownedName('.out.inject-half-')
  const change = changeOf(around, aside)
  const work = openTreeRoot(join(around, 'work'))
  writeChange(work, change)
  work.close()
  renameSync(join(around, 'work'), join(around, '.out.inject-turn'))
  const options = {directory: out, force: true}
  await fillDirectory(options, () => Promise.resolve({result: undefined, root: undefined}))
  expect(statSync(join(around, '.out.inject-turn')).isDirectory()).toBe(true)
})

it('follows no link that somebody puts in place of a directory', async () => {
  const around = await tempDir()
  const out = makeVersions(around)
  mkdirSync(join(around, 'elsewhere'))
  renameSync(join(out, 'a'), join(out, 'a-before'))
  symlinkSync(join(around, 'elsewhere'), join(out, 'a'))
  utimesSync(join(around, 'elsewhere'), 1, 1)
  expect(() => makeSteps(around, 100)).toThrow(/ELOOP|ENOTDIR/)
  expect(readdirSync(join(around, 'elsewhere'))).toEqual([])
})

it('is completed whatever other programs have put in its way', async () => {
  const around = await tempDir()
  const out = makeVersions(around)
  makeSteps(around, 0)
  const aside = readdirSync(around).find((name) => name.includes('-half-')) ?? ''
  writeFileSync(join(around, aside, 'gone/inner/late'), '')
  mkdirSync(join(around, aside, 'was-folder/late'))
  mkdirSync(join(around, aside, 'a/link/late'), {recursive: true})
  await finish(around)
  expect(readdirSync(around)).toEqual(['out'])
  expect(readdirSync(out).sort()).toEqual(['a', 'locked', 'was-file', 'was-folder'])
  expect(readFileSync(join(out, 'was-folder'), 'utf8')).toBe('new was-folder')
  expect(readlinkSync(join(out, 'a/link'))).toBe('nowhere')
})

it('gives way to a new directory when it cannot be completed', async () => {
  const around = await tempDir()
  const out = makeVersions(around)
  chmodSync(out, 0o710)
  makeSteps(around, 3)
  const aside = readdirSync(around).find((name) => name.includes('-half-')) ?? ''
  renameSync(join(around, aside, 'a'), join(around, 'elsewhere'))
  const fill = (force: boolean) =>
    fillDirectory({directory: out, force}, () => Promise.resolve({result: 1, root: undefined}))
  await expect(fill(false)).rejects.toMatchObject({hint: 'use --force to replace it as a whole'})
  expect(existsSync(join(around, aside))).toBe(true)
  expect(await fill(true)).toMatchObject({result: 1})
  expect(readdirSync(around).sort()).toEqual(['elsewhere', 'out'])
  expect(statSync(out).mode & 0o777).toBe(0o710)
})

it('is not made when its paths leave the directory', async () => {
  for (const path of ['../victim', 'a/../../victim', '/victim', 'a//victim', './a', '']) {
    const around = await tempDir()
    makeVersions(around)
    writeFileSync(join(around, 'victim'), '')
    const aside = deadName('.out.inject-half-')
    const work = openTreeRoot(join(around, 'work'))
    writeChange(work, {...changeOf(around, aside), removed: [path]})
    work.close()
    renameSync(join(around, 'work'), join(around, '.out.inject-turn'))
    renameSync(join(around, 'out'), join(around, aside))
    await fillDirectory({directory: join(around, 'out'), force: false}, () =>
      Promise.resolve({result: undefined, root: undefined}),
    )
    expect(existsSync(join(around, 'victim'))).toBe(true)
    expect(readdirSync(join(around, 'out'))).toEqual([])
  }
})
