import {mkdirSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {checkFolderArgument} from '../../../src/cli/flags/folder-argument.js'
import {tempDir} from '../../support/temp-dir.js'
import {thrownBy} from '../../support/thrown-by.js'

it('a folder in place of the image is swapped only with what looks like an image', async () => {
  const folder = await tempDir()
  mkdirSync(join(folder, 'other'))
  const check = (image: string, directory: string) =>
    thrownBy(() => checkFolderArgument('update', image, directory))
  expect(check(folder, 'registry.example/app')).toMatchObject({
    code: 'ERR_INJECT_USAGE',
    hint: `the image comes first: inject update registry.example/app ${folder}`,
  })
  expect(check(folder, '-')).toMatchObject({code: 'ERR_INJECT_USAGE'})
  for (const directory of ['missing', './missing:x', join(folder, 'other')])
    expect(() => checkFolderArgument('update', folder, directory)).not.toThrow()
  const image = 'registry.example/app'
  expect(() => checkFolderArgument('update', image, image)).not.toThrow()
})
