import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

async function someWork() {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  return {folder, image, args: ['update', image, tree, '--name', 'models']}
}

it('--github-output and --github-summary add to the files of GitHub', async () => {
  const {folder, args} = await someWork()
  const [output, summary] = [join(folder, 'output'), join(folder, 'summary')]
  writeFileSync(output, 'earlier=1\n')
  const env = {GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary}
  const run = await inject([...args, '--github-output', '--github-summary'], {env})
  expect(run).toMatchObject({exitCode: 0})
  const [, digest] = run.stdout.split('@')
  expect(readFileSync(output, 'utf8')).toBe(
    `earlier=1\ndigest=${digest}\nreference=${run.stdout}\nchanged=true\n`,
  )
  expect(readFileSync(summary, 'utf8')).toContain(`### inject update\n`)
  expect(readFileSync(summary, 'utf8')).toContain(`| digest | \`${digest}\` |`)
  await inject([...args, '--github-output'], {env})
  expect(readFileSync(output, 'utf8')).toMatch(/changed=true\n[^]*changed=false\n$/)
})

it('--dotenv replaces its file', async () => {
  const {folder, args} = await someWork()
  const file = join(folder, 'inject.env')
  writeFileSync(file, 'old')
  const {stdout} = await inject([...args, '--dotenv', file])
  expect(readFileSync(file, 'utf8')).toBe(
    `INJECT_DIGEST=${stdout.split('@')[1]}\nINJECT_REFERENCE=${stdout}\nINJECT_CHANGED=true\n`,
  )
})

it('without the variable of GitHub nothing is done', async () => {
  const {image, args} = await someWork()
  const before = await inject(['digest', image])
  expect(await inject([...args, '--github-output'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('GITHUB_OUTPUT is not set') as string,
  })
  expect(await inject(['digest', image])).toEqual(before)
})

it('--template prints members of the document, and not beside --json', async () => {
  const {image, args} = await someWork()
  const run = await inject([...args, '--template', '{{.slot.name}} {{.changed}}'])
  expect(run).toMatchObject({exitCode: 0, stdout: 'models true'})
  const layers = await inject(['inspect', image, '--template', '{{.layers.*.slot}}'])
  expect(layers.stdout).toBe('models')
  expect(await inject(['inspect', image, '--template', '{{.x}}', '--json'])).toMatchObject({
    exitCode: 2,
  })
  expect(await inject(['inspect', image, '--template', '{{x}}'])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('invalid template') as string,
  })
})
