import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {stateOf} from '../../../src/layer/tree/file-state.js'
import {createLinkedFiles} from '../../../src/layer/unpack/linked-files.js'
import {openFolder} from '../../../src/layer/unpack/open-folder.js'
import {openTreeRoot} from '../../../src/layer/unpack/tree-root.js'
import {tempDir} from '../../support/temp-dir.js'

/** A file `old/f` that is `new/f` as well, and the list that knows it. */
async function start() {
  const folder = await tempDir()
  const [before, after] = [join(folder, 'old'), join(folder, 'new')]
  for (const each of [before, after]) mkdirSync(each)
  writeFileSync(join(before, 'f'), 'content')
  utimesSync(join(before, 'f'), 1000, 1000)
  linkSync(join(before, 'f'), join(after, 'f'))
  const root = openTreeRoot(after)
  const old = openFolder(before)
  onTestFinished(() => {
    root.close()
    old.close()
  })
  const files = createLinkedFiles()
  const state = () => stateOf(lstatSync(join(after, 'f'), {bigint: true}))
  files.add([{path: 'f', state: state()}])
  // until the clock of the file system has passed the file
  const {ctimeNs} = state()
  while (statSync(folder, {bigint: true}).ctimeNs <= ctimeNs) chmodSync(folder, 0o700)
  const remove = () => {
    const isRemoved = files.watch(root)(old, 'f')
    unlinkSync(join(before, 'f'))
    isRemoved?.()
  }
  return {file: join(after, 'f'), files, root, inode: state().ino, state, remove}
}

function rewrite(file: string): void {
  writeFileSync(file, 'CONTENT')
  utimesSync(file, 1000, 1000)
}

it('takes the state again when the old name is removed', async () => {
  const {files, root, inode, state, remove} = await start()
  files.check(root)
  const before = state()
  remove()
  expect(state().ctimeNs).toBeGreaterThan(before.ctimeNs)
  expect(files.stateOf(inode)).toEqual(state())
  expect(files.newest()).toBe(state().ctimeNs)
})

it.each([
  ['was written to, with its time set back', rewrite],
  ['got another mode', (file: string) => chmodSync(file, 0o777)],
])('fails before the swap for a file that %s', async (_, touch) => {
  const {files, root, file} = await start()
  touch(file)
  expect(() => files.check(root)).toThrow("'f' was changed while it was taken over")
})

it.each([
  ['was written to, with its time set back', rewrite],
  ['got another mode', (file: string) => chmodSync(file, 0o777)],
])('forgets a file that %s between swap and removal', async (_, touch) => {
  const {files, inode, file, remove} = await start()
  touch(file)
  remove()
  expect(files.stateOf(inode)).toBeUndefined()
})

it('forgets a file that something else has replaced in the new tree', async () => {
  const {files, root, inode, file} = await start()
  writeFileSync(`${file}.other`, 'other')
  renameSync(`${file}.other`, file)
  files.check(root)
  expect(files.stateOf(inode)).toBeUndefined()
})

it('has nothing to do with other files', async () => {
  const {files, root, file} = await start()
  writeFileSync(`${file}.other`, 'other')
  const folder = openFolder(join(file, '..'))
  onTestFinished(() => folder.close())
  expect(files.watch(root)(folder, 'f.other')).toBeUndefined()
  expect(files.watch(root)(folder, 'none')).toBeUndefined()
})
