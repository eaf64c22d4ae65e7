import {chownSync, mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

/** A project with a tree, and an image beside it. */
async function makeProject(text: string) {
  const folder = await tempDir()
  const cwd = join(folder, 'project', 'deep')
  mkdirSync(join(cwd, 'tree'), {recursive: true})
  writeFileSync(join(cwd, 'tree', 'file'), 'content')
  const file = join(folder, 'project', 'inject.yaml')
  writeFileSync(file, text)
  const image = await makeLayoutImage(folder)
  return {folder, cwd, file, image, update: ['update', image, 'tree', '--dry-run']}
}

describe('a project file', () => {
  it('gives the flags of a command their defaults', async () => {
    const {cwd, update} = await makeProject('name: models\ncommands: {update: {owner: "7:8"}}\n')
    expect(await injectJson(update, {cwd})).toMatchObject({slot: {name: 'models'}})
    expect(await injectJson([...update, '--name', 'own'], {cwd})).toMatchObject({
      slot: {name: 'own'},
    })
  })

  it.each([
    ['--no-project-file', ['--no-project-file'], {}],
    ['INJECT_PROJECT_FILE=none', [], {INJECT_PROJECT_FILE: 'none'}],
  ])('is ignored with %s', async (_, flags, env) => {
    const {cwd, update} = await makeProject('name: models\n')
    expect(await injectJson([...update, ...flags], {cwd, env})).toMatchObject({
      slot: {name: 'cvmfs'},
    })
  })

  it('may be a member of package.json', async () => {
    const {folder, cwd, update} = await makeProject('')
    const text = '{\n\t"name": "x",\n\t"inject": {\n\t\t"name": "models"\n\t}\n}\n'
    writeFileSync(join(cwd, 'package.json'), text)
    expect(await injectJson(update, {cwd})).toMatchObject({slot: {name: 'models'}})
    writeFileSync(join(cwd, 'package.json'), '{"inject": {\n  "nam": "models"}}')
    const failed = await inject(update, {cwd})
    expect(failed.stderr).toContain('package.json:2:3: unknown key "nam": did you mean name?')
    expect(folder).not.toBe('')
  })

  it('fails a command with its place if it has a mistake, and runs nothing', async () => {
    const {folder, cwd, update} = await makeProject(
      `commands:\n  update:\n    sign-command: touch ${'x'.repeat(3)}/ran\n`,
    )
    const failed = await inject(update, {cwd})
    expect(failed).toMatchObject({exitCode: 2, stdout: ''})
    expect(failed.stderr).toBe(
      'inject: ../inject.yaml:3:5: "sign-command" must not be in a project file: it runs a program',
    )
    const {error} = JSON.parse((await inject([...update, '--json'], {cwd})).stdout) as {
      error: {code: string}
    }
    expect(error.code).toBe('ERR_INJECT_PROJECT_INVALID')
    expect(folder).not.toBe('')
  })

  it.runIf(process.getuid?.() === 0)(
    'of another user is refused, unless it was named',
    async () => {
      const {cwd, file, update} = await makeProject('name: models\n')
      chownSync(file, 12345, 12345)
      const failed = await inject(update, {cwd})
      expect(failed.exitCode).toBe(8)
      expect(failed.stderr).toContain('the project file "../inject.yaml" belongs to another user')
      const env = {INJECT_PROJECT_FILE: file}
      expect(await injectJson(update, {cwd, env})).toMatchObject({slot: {name: 'models'}})
      const sudo = await injectJson(update, {cwd, env: {SUDO_UID: '12345'}})
      expect(sudo).toMatchObject({slot: {name: 'models'}})
    },
  )

  it('is for a command by its own name, which an alias stands for', async () => {
    const {cwd, image} = await makeProject('commands: {copy: {chunk-size: 1M}, rm: {name: x}}\n')
    const failed = await inject(['cp', image, 'oci:copy:v1'], {cwd})
    expect(failed.stderr).toMatch(/^inject: \.\.\/inject\.yaml:1:\d+: unknown command "rm"/)
  })

  it('is not looked for by what a shell asks for', async () => {
    const {cwd} = await makeProject('nonsense: true\n')
    const {exitCode, stdout} = await inject(['complete', '--', 'updat'], {cwd})
    expect(exitCode).toBe(0)
    expect(stdout).toContain('update')
  })
})

describe('inject config', () => {
  it('without an image shows what holds, and where it is from', async () => {
    const {cwd} = await makeProject('platform: all\ncommands: {save: {format: fast}}\n')
    const {exitCode, stdout, stderr} = await inject(['config'], {
      cwd,
      env: {SOURCE_DATE_EPOCH: '5'},
    })
    expect(exitCode).toBe(0)
    const rows = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(rows).toContainEqual(['platform', 'all', '../inject.yaml:1:11'])
    expect(rows).toContainEqual(['created', '5', 'SOURCE_DATE_EPOCH'])
    expect(rows).toContainEqual(['compression', 'gzip', 'default'])
    expect(rows).toContainEqual(['save: format', 'fast', '../inject.yaml:2:27'])
    expect(stderr).toBe('inject: project file ../inject.yaml')
  })

  it('with an image prints its config, whatever the file says', async () => {
    const {cwd, image} = await makeProject('name: models\n')
    const {stdout} = await inject(['config', image], {cwd})
    expect(JSON.parse(stdout)).toHaveProperty('rootfs')
  })
})

it('inject schema project prints the schema of the file', async () => {
  const {stdout} = await inject(['schema', 'project'])
  const schema = JSON.parse(stdout) as {properties: object}
  expect(Object.keys(schema.properties)).toContain('commands')
  expect(Object.keys(schema.properties)).not.toContain('insecure')
})
