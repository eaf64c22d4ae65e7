import {execaSync} from 'execa'
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {hashLayer} from '../../../src/layer/pack/hash-layer.js'
import {walk, type WalkOptions} from '../../../src/layer/tree/walk.js'
import type {WalkedFile} from '../../../src/layer/tree/walked-entry.js'
import {tempDir} from '../../support/temp-dir.js'

const opened = (directory: string, options: Partial<WalkOptions> = {}) =>
  walk(directory, {path: '/', detail: 'content', ...options})

/** How many files below a folder this process holds open. */
function countOpen(folder: string): number {
  const linkOf = (number: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${number}`)
    } catch {
      return ''
    }
  }
  return readdirSync('/proc/self/fd').filter((number) => linkOf(number).startsWith(folder)).length
}

async function tree(): Promise<string> {
  const root = await tempDir()
  mkdirSync(join(root, 'sub'))
  for (const name of ['a', 'b', 'sub/c', 'z']) writeFileSync(join(root, name), `of ${name}`)
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xe9)]), 'of é')
  symlinkSync('a', join(root, 'link'))
  linkSync(join(root, 'a'), join(root, 'more'))
  return root
}

describe.runIf(process.platform === 'linux')('a walk with open files', () => {
  it('gives the same entries, and files open until the walk goes on', async () => {
    const root = await tree()
    const found = []
    const before: WalkedFile[] = []
    for (const walked of opened(root)) {
      const {entry, file} = walked
      found.push(entry)
      for (const earlier of before) expect(earlier.descriptor).toBeUndefined()
      if (!file) continue
      // after a hard link the next file is taken for one, too
      expect(file.descriptor === undefined, entry.path).toBe(entry.path === 'sub/c')
      if (file.descriptor === undefined) continue
      const bytes = Buffer.alloc(100)
      const length = readSync(file.descriptor, bytes)
      expect(bytes.toString('utf8', 0, length)).toBe(`of ${entry.path}`)
      expect(countOpen(root)).toBe(1)
      before.push(file)
    }
    expect(found).toEqual([...walk(root, {path: '/'})].map(({entry}) => entry))
    expect(before).toHaveLength(4)
    expect(countOpen(root)).toBe(0)
  })

  it('opens nothing that is excluded, and leaves nothing open when it is left', async () => {
    const root = await tree()
    const asked: string[] = []
    const isExcluded = (path: string) => asked.push(path) > 0 && path === 'a'
    for (const {entry, file} of opened(root, {isExcluded})) {
      expect(entry.path).toBe('b')
      expect(file?.descriptor).toBeDefined()
      break
    }
    expect(asked).toEqual(['a', 'b'])
    expect(countOpen(root)).toBe(0)
  })

  it.each([
    ['a FIFO', (path: string) => execaSync('mkfifo', [path]), 'fifo'],
    ['a directory', (path: string) => mkdirSync(path), 'directory'],
    ['a symlink', (path: string) => symlinkSync('b', path), 'symlink'],
  ])('takes what has become %s meanwhile for that', async (_, make, kind) => {
    const root = await tree()
    // asked after the names were read and before anything is opened
    const isExcluded = (path: string) => {
      if (path === 'a') {
        rmSync(join(root, 'a'))
        make(join(root, 'a'))
      }
      return path !== 'a'
    }
    const [first] = opened(root, {isExcluded: (path) => path !== 'a/' && isExcluded(path)})
    expect(first?.entry).toMatchObject({path: 'a', kind})
    expect(first?.file).toBeUndefined()
    expect(countOpen(root)).toBe(0)
  })

  it('says that a file is gone, or changed while it was read', async () => {
    const root = await tree()
    const vanishing = opened(root, {
      isExcluded(path) {
        if (path === 'b') rmSync(join(root, 'b'))
        return false
      },
    })
    expect(() => [...vanishing]).toThrow("'b' changed while it was packed")
    function* touched() {
      for (const walked of opened(root)) {
        if (walked.entry.path === 'z') writeFileSync(join(root, 'z'), 'other')
        yield walked
      }
    }
    await expect(hashLayer(touched)).rejects.toThrow("'z' changed while it was packed")
    expect(countOpen(root)).toBe(0)
  })

  it('W32 another name that a file gets or loses while it is packed is not a change of it', async () => {
    const root = await tree()
    const {look, ...expected} = (await hashLayer(() => opened(root))) ?? {}
    linkSync(join(root, 'z'), `${root}-old`)
    onTestFinished(() => rmSync(`${root}-new`, {force: true}))
    function* touched() {
      for (const walked of opened(root)) {
        if (walked.entry.path === 'b') linkSync(join(root, 'b'), `${root}-new`)
        if (walked.entry.path === 'z') rmSync(`${root}-old`)
        yield walked
      }
    }
    const found = await hashLayer(touched)
    expect(found).toMatchObject(expected)
    // a layer that is remembered so is not recalled
    expect(found?.look?.digest).not.toBe(look?.digest)
  })

  it('packs to the same bytes, also where files are not read in time', async () => {
    const root = await tree()
    const late = [...opened(root)]
    const expected = await hashLayer(() => walk(root, {path: '/'}))
    expect(await hashLayer(() => opened(root))).toEqual(expected)
    expect(await hashLayer(() => late)).toEqual(expected)
  })
})
