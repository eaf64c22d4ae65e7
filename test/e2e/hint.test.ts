import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

it('hints at what would have saved much, once a day, and only to people', async () => {
  const folder = await tempDir()
  const image = await makeLayoutImage(folder)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'large'), Buffer.alloc(64_500_000))
  let version = 0
  const update = async (flags: readonly string[] = [], env: Record<string, string> = {}) => {
    writeFileSync(join(tree, 'version'), String(version++))
    const args = ['update', image, tree, '--compression', 'none', ...flags]
    const run = await inject(args, {env: {XDG_CACHE_HOME: join(folder, 'cache'), ...env}})
    expect(run).toMatchObject({exitCode: 0})
    return run.stderr
  }
  expect(await update()).toMatch(/slot cvmfs added: .*; tagged v1; 64\.5 MB sent, \d.* s$/)
  for (const [flags, env] of [
    [['--quiet'], {}],
    [['--json'], {}],
    [['--progress', 'json'], {}],
    [[], {CI: 'true'}],
  ] as const)
    expect(await update(flags, env), flags.join(' ')).not.toContain('hint')
  expect(await update()).toMatch(
    /\ninject: hint: 64\.5 MB were sent as one layer; with --layers auto, updates send only the layers that changed$/,
  )
  expect(await update()).not.toContain('hint')
})
