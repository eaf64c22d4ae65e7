import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it, onTestFinished} from 'vitest'
import {fromText} from '../../../src/layer/byte-string.js'
import {openLocalFiles} from '../../../src/layer/rebuild/local-files.js'
import {tempDir} from '../../support/temp-dir.js'

it('knows files in directories, and nothing that a link leads to', async () => {
  const around = await tempDir()
  for (const folder of ['outside/inner', 'tree/a/b'])
    mkdirSync(join(around, folder), {recursive: true})
  for (const file of ['outside/inner/secret', 'outside/secret', 'tree/a/b/file', 'tree/top'])
    writeFileSync(join(around, file), 'content')
  symlinkSync('../outside', join(around, 'tree/link'))
  symlinkSync('../outside/secret', join(around, 'tree/secret'))
  const files = openLocalFiles(fromText(join(around, 'tree')))
  onTestFinished(() => files.close())
  expect(['top', 'a/b/file'].map((path) => files.sizeOf(path))).toEqual([7, 7])
  const others = ['link', 'secret', 'link/secret', 'link/inner/secret', 'a', 'none/file', 'top/x']
  for (const path of others) expect(files.sizeOf(path)).toBeUndefined()
})
