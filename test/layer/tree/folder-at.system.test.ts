import {chmodSync, mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {folderAt} from '../../../src/layer/tree/folder-at.js'
import {ignoreRules} from '../../../src/layer/tree/ignore-rules.js'
import {parseModeRule} from '../../../src/layer/tree/mode-rule.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {tempDir} from '../../support/temp-dir.js'

async function tree() {
  const root = await tempDir()
  for (const path of ['a/b', 'a/out', 'd', '\u00e9']) mkdirSync(join(root, path), {recursive: true})
  mkdirSync(Buffer.concat([Buffer.from(`${root}/odd`), Buffer.from([0xff])]))
  chmodSync(join(root, 'a/b'), 0o710)
  writeFileSync(join(root, 'file'), '')
  symlinkSync('a', join(root, 'link'))
  return root
}

it('a folder is what a walk makes of it, with the same rules', async () => {
  const root = await tree()
  const rules = {
    owner: {uid: 1, gid: 2},
    chmod: parseModeRule('u=rwX,go=rX'),
    isExcluded: ignoreRules(root, ['a/out/']),
  }
  const walked = [...walk(root, {path: '/', detail: 'names', ...rules})].map(({entry}) => entry)
  const folders = walked.filter(({kind}) => kind === 'directory')
  expect(folders).toHaveLength(5)
  const look = folderAt(root, rules)
  for (const entry of folders) expect(look(entry.path)).toEqual(entry)
})

it.each(['file', 'link', 'absent', 'a/out', 'x'.repeat(300), 'a\0b', 'file/below'])(
  '%j is none',
  async (path) => {
    const root = await tree()
    expect(folderAt(root, {isExcluded: ignoreRules(root, ['a/out/'])})(path)).toBeUndefined()
  },
)
