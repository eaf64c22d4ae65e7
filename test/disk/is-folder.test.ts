import {symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {isFolder} from '../../src/disk/is-folder.js'
import {tempDir} from '../support/temp-dir.js'

it('a folder is one through links; a file, or nothing, is not', async () => {
  const folder = await tempDir()
  symlinkSync(folder, join(folder, 'link'))
  writeFileSync(join(folder, 'file'), '')
  const paths = [folder, join(folder, 'link'), join(folder, 'file'), join(folder, 'absent')]
  expect(paths.map(isFolder)).toEqual([true, true, false, false])
})
