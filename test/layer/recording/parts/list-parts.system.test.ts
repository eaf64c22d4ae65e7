import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {listParts} from '../../../../src/layer/recording/parts/list-parts.js'
import {tempDir} from '../../../support/temp-dir.js'

describe('parts of a tree', () => {
  it('are its innermost directories, in the order of a walk, where there are few', async () => {
    const root = await tempDir()
    for (const path of ['a/x/1', 'a-b', 'a/y', 'c', 'none'])
      mkdirSync(join(root, path), {recursive: true})
    for (const path of ['file', 'a/file']) writeFileSync(join(root, path), '')
    symlinkSync('a', join(root, 'link'))
    const isExcluded = (path: string) => path === 'none/'
    expect(listParts(root, isExcluded)).toEqual(['a/x/1', 'a/y', 'a-b', 'c'])
  })

  it('go no deeper once there are enough to keep threads busy', async () => {
    const root = await tempDir()
    const names = Array.from({length: 100}, (_, number) => `d${100 + number}`)
    for (const name of names) mkdirSync(join(root, 'top', name, 'deep'), {recursive: true})
    expect(listParts(root, undefined)).toEqual(names.map((name) => `top/${name}`))
  })

  it('need a directory that is there', async () => {
    expect(listParts(join(await tempDir(), 'gone'), undefined)).toEqual([])
  })
})
