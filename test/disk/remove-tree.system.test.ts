import {chmod, mkdir, readdir, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {removeTree} from '../../src/disk/remove-tree.js'
import {tempDir} from '../support/temp-dir.js'
import {asOtherUser} from './as-other-user.js'

it('removes folders that are closed to their own owner, by names that are not UTF-8', async () => {
  const folder = await tempDir()
  await chmod(folder, 0o777)
  const tree = join(folder, 'tree')
  await asOtherUser(async () => {
    const odd = Buffer.concat([Buffer.from(`${tree}/a/`), Buffer.from([0xff])])
    await mkdir(join(tree, 'a'), {recursive: true})
    await mkdir(odd)
    await writeFile(Buffer.concat([odd, Buffer.from('/file')]), 'x')
    await chmod(odd, 0o555)
    await chmod(join(tree, 'a'), 0)
    await removeTree(tree)
  })
  expect(await readdir(folder)).toEqual([])
})

it('does not follow links, nor opens what they lead to', async () => {
  const folder = await tempDir()
  await mkdir(join(folder, 'precious'), {mode: 0o555})
  await mkdir(join(folder, 'tree'))
  await symlink('../precious', join(folder, 'tree/link'))
  await removeTree(join(folder, 'tree'))
  expect(await readdir(folder)).toEqual(['precious'])
})

it('removes files and links, and what is not there', async () => {
  const folder = await tempDir()
  await writeFile(join(folder, 'file'), 'x')
  await symlink('nowhere', join(folder, 'link'))
  await removeTree(join(folder, 'file'))
  await removeTree(Buffer.from(join(folder, 'link')))
  await removeTree(join(folder, 'none'))
  expect(await readdir(folder)).toEqual([])
})

it('says why it cannot', async () => {
  const folder = await tempDir()
  await mkdir(join(folder, 'tree/inner'), {recursive: true})
  // another user's: its rights are not ours to change
  if (process.geteuid?.() !== 0) return
  await asOtherUser(async () => {
    await expect(removeTree(join(folder, 'tree'))).rejects.toMatchObject({code: /EACCES|EPERM/})
  })
  expect(await readdir(join(folder, 'tree'))).toEqual(['inner'])
})
