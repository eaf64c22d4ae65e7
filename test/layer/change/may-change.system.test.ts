import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished, vi} from 'vitest'
import {mayChange} from '../../../src/layer/change/may-change.js'
import {openFolder} from '../../../src/layer/unpack/folders/open-folder.js'
import {tempDir} from '../../support/temp-dir.js'

it('lets no user but root change what is in directories of another one', async () => {
  const around = await tempDir()
  mkdirSync(join(around, 'sub'))
  const folder = openFolder(around)
  onTestFinished(() => folder.close())
  const own = process.geteuid?.() ?? 0
  const sub = {path: 'sub', mode: 0o755, uid: own, gid: own, mtime: 0}
  const answer = (user: number, change: {folders: (typeof sub)[]; gone: string[]}): boolean => {
    const spy = vi.spyOn(process, 'geteuid').mockReturnValue(user)
    try {
      return mayChange(folder, change)
    } finally {
      spy.mockRestore()
    }
  }
  const other = own + 1
  expect(answer(0, {folders: [sub], gone: []})).toBe(true)
  expect(answer(other, {folders: [sub], gone: []})).toBe(false)
  expect(answer(other, {folders: [], gone: ['sub']})).toBe(false)
  expect(answer(other, {folders: [{...sub, path: 'comes'}], gone: []})).toBe(true)
})
