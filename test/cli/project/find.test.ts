import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {findProjectFile} from '../../../src/cli/project/find.js'
import {tempDir} from '../../support/temp-dir.js'

/** A home with a project in it, and a folder deep in that. */
async function makeFolders() {
  const root = await tempDir()
  const home = join(root, 'home')
  const project = join(home, 'project')
  const from = join(project, 'a', 'b')
  mkdirSync(from, {recursive: true})
  return {root, home, project, from}
}

const put = (folder: string, name = 'inject.yaml', text = 'platform: all\n'): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

it('finds the nearest file above the working directory', async () => {
  const {home, project, from} = await makeFolders()
  expect(findProjectFile({from, home})).toBeUndefined()
  const upper = put(project)
  expect(findProjectFile({from, home})).toEqual({path: upper, isChosen: false})
  const nearer = put(join(project, 'a'))
  expect(findProjectFile({from, home})).toEqual({path: nearer, isChosen: false})
})

it.each(['folder', 'file'])(
  'looks into the top of the git repository (.git is a %s), and not above',
  async (kind) => {
    const {home, project, from} = await makeFolders()
    const git = join(project, 'a', '.git')
    if (kind === 'folder') mkdirSync(git)
    else writeFileSync(git, 'gitdir: elsewhere\n')
    put(project)
    expect(findProjectFile({from, home})).toBeUndefined()
    const top = put(join(project, 'a'))
    expect(findProjectFile({from, home})).toEqual({path: top, isChosen: false})
  },
)

it('stops below the home of the user, unless that is where they are', async () => {
  const {root, home, from} = await makeFolders()
  put(root)
  const own = put(home)
  expect(findProjectFile({from, home})).toBeUndefined()
  expect(findProjectFile({from: home, home})).toEqual({path: own, isChosen: false})
})

it('knows a home by another name', async () => {
  const {root, home, from} = await makeFolders()
  put(home)
  symlinkSync(home, join(root, 'link'))
  expect(findProjectFile({from, home: join(root, 'link')})).toBeUndefined()
})

it('takes the member of a package.json, and passes by one without it', async () => {
  const {home, project, from} = await makeFolders()
  const path = put(project, 'package.json', '{"name": "x", "inject": {"platform": "all"}}')
  put(from, 'package.json', '{"dependencies": {"inject": "1"}}')
  put(join(project, 'a'), 'package.json', 'not JSON with "inject"')
  expect(findProjectFile({from, home})).toEqual({path, isChosen: false})
  const own = put(project)
  expect(findProjectFile({from, home})).toEqual({path: own, isChosen: false})
})

it('takes the file that the user names, or none', async () => {
  const {home, project, from} = await makeFolders()
  put(project)
  expect(findProjectFile({from, home, chosen: 'none'})).toBeUndefined()
  expect(findProjectFile({from, home, chosen: 'other.yaml'})).toEqual({
    path: 'other.yaml',
    isChosen: true,
  })
})
