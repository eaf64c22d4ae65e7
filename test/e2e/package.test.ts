import {execa} from 'execa'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {makeLayoutImage} from '../support/layout-image.js'
import {npmPackage} from '../support/npm-package.js'
import {tempDir} from '../support/temp-dir.js'
import {watchedRun} from '../support/watched-run.js'

it('the package has all that the program needs, in every format', async () => {
  const folder = await tempDir()
  const file = await npmPackage()
  expect(statSync(file).size).toBeLessThan(5 * 1024 * 1024)
  await execa('tar', ['-xzf', file], {cwd: folder})
  const installed = join(folder, 'package')
  expect(existsSync(join(installed, 'dist/man/inject-update.1'))).toBe(true)
  symlinkSync(realpathSync('node_modules'), join(installed, 'node_modules'))
  const run = (...args: string[]) =>
    watchedRun(args, {program: join(installed, 'bin/run.js'), env: {XDG_CACHE_HOME: folder}})

  const version = await run('--version')
  expect(version).toMatchObject({exitCode: 0, stderr: ''})
  expect(version.modules.length).toBeGreaterThan(0)
  expect(await run('--version')).toMatchObject({exitCode: 0, cache: 'used'})

  const image = await makeLayoutImage(folder)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  writeFileSync(join(tree, 'file'), 'content')
  expect(await run('update', image, tree, '--dry-run')).toMatchObject({exitCode: 0})
  for (const compression of ['gzip', 'zstd']) {
    const tag = ['--tag', compression, '--compression', compression]
    expect(await run('update', image, tree, ...tag)).toMatchObject({exitCode: 0})
    const out = join(folder, compression)
    const unpacked = await run('unpack', image.replace(/:v1$/, `:${compression}`), out)
    expect(unpacked).toMatchObject({exitCode: 0})
    expect(readFileSync(join(out, 'file'), 'utf8')).toBe('content')
  }
  expect(await run('nonsense')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('unknown command "nonsense"') as string,
  })
})
