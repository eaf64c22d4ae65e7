import {linkSync, mkdirSync, renameSync, symlinkSync, writeFileSync} from 'node:fs'
import {createServer, type Server} from 'node:net'
import {join} from 'node:path'
import {execaSync} from 'execa'
import {describe, expect, it} from 'vitest'
import {walkParts} from '../../../../src/layer/recording/parts/walk-parts.js'
import {xattrBinding} from '../../../../src/layer/tree/xattrs/read-xattrs.js'
import {walkTree} from '../../../../src/layer/tree/walk-tree.js'
import type {Tree, WalkedAlready, WalkedEntry} from '../../../../src/layer/tree/walked-entry.js'
import {tempDir} from '../../../support/temp-dir.js'
import {awaitThreads, threadCount} from '../../../support/thread-count.js'

const folders = Array.from({length: 12}, (_, number) => `d${10 + number}`)

/** A tree with links from part to part, names that are not UTF-8, and whatever `add` adds. */
async function makeTree(add: (root: string) => void = () => undefined): Promise<string> {
  const root = await tempDir()
  writeFileSync(join(root, 'a-first'), 'first')
  for (const [number, name] of folders.entries()) {
    const folder = join(root, name)
    mkdirSync(join(folder, 'deeper'), {recursive: true})
    writeFileSync(join(folder, 'file'), name)
    writeFileSync(join(folder, 'ümläut'), name)
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]), name)
    symlinkSync('täget', join(folder, 'symlink'))
    linkSync(join(root, 'd10/file'), join(folder, 'deeper/link'))
    linkSync(join(folder, 'symlink'), join(root, `link-${number}`))
    linkSync(join(folder, 'file'), join(root, `file-${number}`))
  }
  add(root)
  return root
}

interface Found {
  readonly entries: readonly WalkedEntry[]
  readonly warnings: readonly string[]
  /** Parts that threads walked. */
  readonly parts: readonly string[]
}

/** `meanwhile` is called once the threads have had time to walk all. */
function walkWithThreads(
  tree: Tree,
  {jobs = 2, meanwhile = () => undefined}: {jobs?: number; meanwhile?: () => void} = {},
): Found {
  const entries: WalkedEntry[] = []
  const warnings: string[] = []
  const parts: string[] = []
  const threads = walkParts(tree, jobs, 1)
  const walkedAlready: WalkedAlready = (relative, state) => {
    const inside = threads.shared.walkedAlready(relative, state)
    if (inside) parts.push(relative)
    return inside
  }
  const onWarning = (text: string) => warnings.push(text)
  try {
    for (const walked of walkTree({tree, onWarning}, 'states', {
      shared: {...threads.shared, walkedAlready},
    })) {
      const before = threadCount()
      threads.count(walked)
      entries.push(walked)
      if (entries.length > 1) continue
      awaitThreads(before)
      meanwhile()
    }
  } finally {
    threads.close()
  }
  return {entries, warnings, parts}
}

function walkAlone(tree: Tree): Omit<Found, 'parts'> {
  const warnings: string[] = []
  const entries = [...walkTree({tree, onWarning: (text) => warnings.push(text)}, 'states')]
  return {entries, warnings}
}

describe('a walk with parts that threads walk', () => {
  it.each([
    {path: '/', jobs: 2},
    {path: '/opt/data', jobs: 2},
    {path: '/', jobs: 4},
  ])('gives what a walk without gives (at $path, $jobs jobs)', async ({path, jobs}) => {
    const directory = await makeTree()
    writeFileSync(join(directory, '.injectignore'), 'd12/\nd13/ümläut\n')
    const tree = {directory, path, exclude: ['d14/deeper']}
    const {entries, warnings, parts} = walkWithThreads(tree, {jobs})
    expect({entries, warnings}).toEqual(walkAlone(tree))
    expect(parts.length).toBeGreaterThan(8)
    expect(parts).not.toContain('d12/deeper')
  })

  it('leaves to the caller what is odd or warned of', async () => {
    const directory = await makeTree((root) => {
      execaSync('mkfifo', [join(root, 'd15/deeper/fifo')])
      mkdirSync(join(root, 'd16/deeper/noted'))
      xattrBinding()?.setAttributeSync(
        join(root, 'd16/deeper/noted'),
        'user.note',
        Buffer.from('x'),
      )
      if (process.getuid?.() === 0)
        execaSync('mknod', [join(root, 'd17/deeper/tty'), 'c', '5', '0'])
    })
    const tree = {directory, path: '/', exclude: []}
    const {entries, warnings, parts} = walkWithThreads(tree)
    expect({entries, warnings}).toEqual(walkAlone(tree))
    expect(parts).toContain('d14/deeper')
    expect(parts).not.toContain('d15/deeper')
    expect(parts).not.toContain('d16/deeper')
  })

  it('leaves to the caller a part in which nothing comes after what is warned of', async () => {
    const servers: Server[] = []
    const directory = await makeTree((root) => {
      for (const part of ['d15', 'd18'])
        servers.push(createServer().listen(join(root, part, 'deeper/socket')))
    })
    const tree = {directory, path: '/', exclude: []}
    const {entries, warnings, parts} = walkWithThreads(tree)
    const alone = walkAlone(tree)
    for (const server of servers) server.close()
    expect(warnings).toEqual([
      "'d15/deeper/socket' is a socket, which a layer cannot hold: left out",
      "'d18/deeper/socket' is a socket, which a layer cannot hold: left out",
    ])
    expect({entries, warnings}).toEqual(alone)
    expect(parts).toContain('d16/deeper')
  })

  it('throws what a walk without throws', async () => {
    const directory = await makeTree((root) => {
      for (const part of ['d15', 'd18']) writeFileSync(join(root, part, 'deeper/.wh.gone'), '')
    })
    const tree = {directory, path: '/', exclude: []}
    expect(() => walkWithThreads(tree)).toThrow("'d15/deeper/.wh.gone' is a whiteout")
  })

  it('sees what came to a part after a thread was there', async () => {
    const directory = await makeTree()
    const tree = {directory, path: '/', exclude: []}
    const {entries, parts} = walkWithThreads(tree, {
      meanwhile: () => writeFileSync(join(directory, 'd20/deeper/new'), ''),
    })
    expect(entries.map(({entry}) => entry.path)).toContain('d20/deeper/new')
    expect(parts).toContain('d19/deeper')
    expect(parts).not.toContain('d20/deeper')
  })

  it('sees that another directory has the name of a part', async () => {
    const directory = await makeTree()
    const tree = {directory, path: '/', exclude: []}
    const {entries} = walkWithThreads(tree, {
      meanwhile() {
        mkdirSync(join(directory, 'd20/other'))
        renameSync(join(directory, 'd20/deeper'), join(directory, 'd20/moved'))
        renameSync(join(directory, 'd20/other'), join(directory, 'd20/deeper'))
      },
    })
    expect(entries).toEqual(walkAlone(tree).entries)
  })

  it('has no threads for one job', async () => {
    const tree = {directory: await makeTree(), path: '/', exclude: []}
    const {entries, parts} = walkWithThreads(tree, {jobs: 1})
    expect(entries).toEqual(walkAlone(tree).entries)
    expect(parts).toEqual([])
  })

  it('waits for none that has ended', async () => {
    const directory = await makeTree()
    const tree = {directory, path: '/', exclude: []}
    const threads = walkParts(tree, 2, 1)
    const all = walkTree({tree, onWarning: () => undefined}, 'states', threads)
    const found: WalkedEntry[] = []
    for (const walked of all) {
      threads.count(walked)
      found.push(walked)
      if (found.length === 1) threads.close()
    }
    expect(found).toEqual(walkAlone(tree).entries)
  }, 20_000)
})
