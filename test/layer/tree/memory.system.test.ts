import {execa} from 'execa'
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import type {RememberedTree} from '../../../src/layer/tree/memory.js'
import {createTreeMemory} from '../../../src/layer/tree/memory-file.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {digestOf} from '../../../src/oci/digest.js'
import {tempDir} from '../../support/temp-dir.js'
import {setXattr} from '../../support/xattr.js'

const packed: RememberedTree = {
  diffIds: [digestOf(Buffer.from('layer'))],
  tarSize: 1024,
  entries: 3,
  newestMtime: 1_700_000_000,
}

/** A tree, and its memory: by its clock the tree was touched `age` milliseconds ago. */
async function start(age = 3_600_000) {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(join(tree, 'sub'), {recursive: true})
  writeFileSync(join(tree, 'sub/file'), 'content')
  writeFileSync(join(tree, 'other'), 'other content')
  symlinkSync('target', join(tree, 'link'))
  linkSync(join(tree, 'other'), join(tree, 'same'))
  const cache = join(folder, 'cache/trees')
  const memory = createTreeMemory(cache, () => Date.now() + age)
  const look = (identity = ['id']) =>
    memory.look(identity, walk(tree, {path: '/', detail: 'states'}))
  return {tree, cache, look}
}

describe('the memory of a tree', () => {
  it('knows one that nobody touched, and no other', async () => {
    const {look} = await start()
    const first = await look()
    expect(first?.known).toBeUndefined()
    await first?.remember(packed)
    expect((await look())?.known).toEqual(packed)
    expect((await look(['other']))?.known).toBeUndefined()
  })

  const touches: Record<string, (tree: string) => unknown> = {
    'a file has other content of the same size, and its old mtime': (tree) => {
      writeFileSync(join(tree, 'sub/file'), 'CONTENT')
      utimesSync(join(tree, 'sub/file'), 1, 1)
    },
    'a file is longer': (tree) => writeFileSync(join(tree, 'sub/file'), 'longer content'),
    'a file is replaced by one that looks the same': (tree) => {
      writeFileSync(join(tree, 'new'), 'content')
      renameSync(join(tree, 'new'), join(tree, 'sub/file'))
    },
    'a file is gone': (tree) => rmSync(join(tree, 'sub/file')),
    'a file is new': (tree) => writeFileSync(join(tree, 'sub/empty'), ''),
    'a file has another mode': (tree) => chmodSync(join(tree, 'sub/file'), 0o600),
    'a directory has another mode': (tree) => chmodSync(join(tree, 'sub'), 0o700),
    'a file has another attribute': (tree) =>
      setXattr(join(tree, 'sub/file'), 'user.note', Buffer.from('x')),
    'a file has another name': (tree) => renameSync(join(tree, 'other'), join(tree, 'another')),
    'a symlink has another target': (tree) => {
      rmSync(join(tree, 'link'))
      symlinkSync('targes', join(tree, 'link'))
    },
    'a hard link is a copy': (tree) => {
      rmSync(join(tree, 'same'))
      writeFileSync(join(tree, 'same'), 'other content')
    },
  }
  for (const [title, touch] of Object.entries(touches)) {
    it(`does not know it when ${title}`, async () => {
      const {tree, look} = await start()
      await (await look())?.remember(packed)
      expect((await look())?.known).toEqual(packed)
      await sleep(20)
      await touch(tree)
      expect((await look())?.known).toBeUndefined()
    })
  }

  it('does not remember what was touched a moment ago: that may be touched again, and look the same', async () => {
    for (const age of [0, 1000]) {
      const {cache, look} = await start(age)
      await (await look())?.remember(packed)
      expect(existsSync(cache)).toBe(false)
    }
    const {tree, look} = await start()
    // of the future
    await execa('touch', ['-d', '2100-01-01', join(tree, 'other')])
    await (await look())?.remember(packed)
    expect((await look())?.known).toBeUndefined()
  })

  it('trusts no file that is not what it wrote', async () => {
    const {cache, look} = await start()
    await (await look())?.remember(packed)
    const [name = ''] = readdirSync(cache)
    const path = join(cache, name)
    const text = readFileSync(path, 'utf8')
    for (const other of [
      '',
      '{',
      '[]',
      'null',
      text.replace('"version":1', '"version":2'),
      text.replace('sha256:', 'sha256;'),
      text.replace(/"diffIds":\[.*?\]/, '"diffIds":[]'),
      text + ' '.repeat(70_000),
    ]) {
      writeFileSync(path, other)
      expect((await look())?.known).toBeUndefined()
    }
    writeFileSync(path, text)
    expect((await look())?.known).toEqual(packed)
  })

  it('makes and changes nothing by looking: a dry run only looks', async () => {
    const {cache, look} = await start()
    await look()
    expect(existsSync(join(cache, '..'))).toBe(false)
    mkdirSync(cache, {recursive: true, mode: 0o755})
    await look()
    expect(statSync(cache).mode & 0o777).toBe(0o755)
    await (await look())?.remember(packed)
    expect(statSync(cache).mode & 0o777).toBe(0o700)
    expect((await look())?.known).toEqual(packed)
  })

  it('is absent where it cannot be kept', async () => {
    const file = join(await tempDir(), 'file')
    writeFileSync(file, '')
    const memory = createTreeMemory(join(file, 'trees'), () => Date.now())
    expect(await memory.look(['id'], [])).toBeUndefined()
  })
})
