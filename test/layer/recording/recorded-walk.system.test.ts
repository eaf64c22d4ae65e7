import {linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {execaSync} from 'execa'
import {describe, expect, it} from 'vitest'
import {recordedWalk} from '../../../src/layer/recording/recorded-walk.js'
import {treeEntries} from '../../../src/layer/tree/walk-tree.js'
import {walk} from '../../../src/layer/tree/walk.js'
import type {Entries} from '../../../src/layer/tree/walked-entry.js'
import {xattrBinding} from '../../../src/layer/tree/xattrs/read-xattrs.js'
import {tempDir} from '../../support/temp-dir.js'

async function start(path = '/') {
  const root = await tempDir()
  mkdirSync(join(root, 'd/deeper'), {recursive: true})
  writeFileSync(join(root, 'd/file'), 'content')
  writeFileSync(join(root, 'd/ümläut'), 'content')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff, 0x41)]), 'no UTF-8')
  linkSync(join(root, 'd/file'), join(root, 'd/deeper/link'))
  symlinkSync('täget', join(root, 'symlink'))
  linkSync(join(root, 'symlink'), join(root, 'symlink2'))
  execaSync('mkfifo', [join(root, 'fifo')])
  xattrBinding()?.setAttributeSync(join(root, 'd'), 'user.note', Buffer.from('x'))
  let walks = 0
  const entries: Entries = (detail) => {
    walks++
    return walk(root, {path, detail})
  }
  const prefix = path === '/' ? '' : `${path.slice(1)}/`
  return {root, entries, recorded: recordedWalk(entries, prefix), walks: () => walks}
}

describe('a recorded walk', () => {
  it.each(['/', '/opt/data'])('gives again what the first one gave (at %s)', async (path) => {
    const {root, entries, recorded, walks} = await start(path)
    const expected = [...entries('states')]
    expect(expected.length).toBeGreaterThan(8)
    expect([...recorded('names')]).toEqual(expected)
    expect([...recorded('states')]).toEqual(expected)
    const names = [...recorded('names')]
    expect(names.map(({entry}) => entry)).toEqual(expected.map(({entry}) => entry))
    expect(names.map(({alone}) => alone?.entry)).toEqual(expected.map(({alone}) => alone?.entry))
    expect(walks()).toBe(2)
    rmSync(join(root, 'd/file'))
    expect([...recorded('states')]).toEqual(expected)
  })

  it('walks again for those who read the files', async () => {
    const {entries, recorded, walks} = await start()
    expect([...recorded('states')].length).toBeGreaterThan(0)
    expect([...recorded('metadata')]).toEqual([...entries('metadata')])
    expect(walks()).toBe(3)
  })

  it('is walked by another thread as the tree is', async () => {
    const {root} = await start()
    const tree = treeEntries({
      tree: {directory: root, path: '/', exclude: []},
      onWarning: () => undefined,
    })
    expect(recordedWalk(tree, '').walk).toMatchObject({...tree.walk})
  })

  it('keeps nothing of a walk that did not come to its end', async () => {
    const {recorded, walks} = await start()
    for (const {entry} of recorded('states')) if (entry.kind === 'file') break
    expect([...recorded('states')].length).toBeGreaterThan(8)
    expect(walks()).toBe(2)
  })

  it('walks again where paths are too long to be kept', async () => {
    const {root, recorded, entries, walks} = await start()
    const names = Array.from({length: 13}, () => 'n'.repeat(200))
    const script = 'for n; do mkdir "$n"; cd "$n"; done; echo deep > file'
    execaSync('sh', ['-c', script, 'sh', ...names], {cwd: root})
    expect([...recorded('names')].length).toBeGreaterThan(20)
    const again = [...recorded('states')].map(({entry}) => entry)
    expect(again).toEqual([...entries('states')].map(({entry}) => entry))
    expect(walks()).toBe(3)
  })
})
