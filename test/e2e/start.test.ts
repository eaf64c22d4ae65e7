import {randomBytes} from 'node:crypto'
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject} from '../support/cli.js'
import {startFakeServer} from '../support/fake-server.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'
import {watchedRun} from '../support/watched-run.js'

const packagesOf = (modules: readonly string[]) =>
  new Set(modules.flatMap((name) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []))

/** What some command needs, and not at its start. */
const heavy = [
  '@sigstore/bundle',
  '@sigstore/sign',
  '@sigstore/verify',
  '@napi-rs/xattr',
  'bcryptjs',
  'ejs',
  'execa',
  'fzstd',
  'hash-wasm',
  'http2-wrapper',
  'lilconfig',
  'minimatch',
  'pako',
  'prom-client',
  'semver',
  'tar',
  'tinyglobby',
  'yaml',
]

describe('what is evaluated', () => {
  it('for --version is oclif, in part, and nothing of ours but the start', async () => {
    const {exitCode, stdout, modules} = await watchedRun(['--version'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^inject\/\d+\.\d+\.\d+ \S+ node-v\d+/)
    expect(modules.filter((name) => name.startsWith('dist/'))).toEqual(['dist/src/cli/start.js'])
    const packages = packagesOf(modules)
    for (const name of [...heavy, 'got', 'valibot']) expect(packages).not.toContain(name)
    expect(modules.length).toBeLessThan(60)
  })

  it('before the first request of an update is what makes it, and nothing that comes later', async () => {
    const server = await startFakeServer(() => ({status: 404}))
    const tree = await tempDir()
    const {exitCode, modules, builtins} = await watchedRun([
      'update',
      `${server.address}/app:v1`,
      tree,
    ])
    expect(exitCode).toBe(4)
    expect(builtins).toContain('http')
    for (const name of ['crypto', 'https', 'tls']) expect(builtins).not.toContain(name)
    expect(server.requests.length).toBeGreaterThan(0)
    expect(modules).toContain('dist/src/registry/net/http.js')
    const packages = packagesOf(modules)
    expect(packages).toContain('got')
    for (const name of heavy) expect(packages).not.toContain(name)
    for (const room of ['server', 'archive', 'layer/decompress']) {
      expect(modules.filter((name) => name.startsWith(`dist/src/${room}/`))).toEqual([])
    }
    expect(modules.length).toBeLessThan(425)
  })

  it('of the commands is the one that runs', async () => {
    const image = await makeLayoutImage(await tempDir())
    const {exitCode, modules} = await watchedRun(['inspect', image])
    expect(exitCode).toBe(0)
    expect(modules.filter((name) => name.startsWith('dist/commands/'))).toEqual([
      'dist/commands/inspect.js',
    ])
    expect(modules.filter((name) => name.startsWith('dist/src/registry/'))).toEqual([])
  })
})

describe('the bundle', () => {
  it('knows every command that oclif finds in the folder', async () => {
    const {readdirSync} = await import('node:fs')
    const commands = readdirSync('commands', {recursive: true, encoding: 'utf8'})
      .filter((name) => name.endsWith('.ts'))
      .map((name) => name.slice(0, -'.ts'.length).split('/'))
    const runs = await Promise.all(
      commands.map(async (words) => [words, await inject([...words, '--help'])] as const),
    )
    for (const [words, {exitCode, stdout}] of runs) {
      expect(exitCode, words.join(' ')).toBe(0)
      expect(stdout).toContain(`$ inject ${words.join(' ')}`)
    }
  })

  it('packs with a worker thread, in zstd, and unpacks that', async () => {
    const folder = await tempDir()
    const image = await makeLayoutImage(folder)
    const tree = join(folder, 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'content')
    const packed = await watchedRun(['update', image, tree, '--compression', 'zstd'])
    expect(packed).toMatchObject({exitCode: 0})
    const unpacked = await watchedRun(['unpack', image, join(folder, 'out')])
    expect(unpacked).toMatchObject({exitCode: 0})
  })

  it.each([
    ['by a hash of a worker thread', []],
    [
      'where it may start no thread',
      ['--experimental-permission', '--allow-fs-read=*', '--allow-fs-write=*'],
    ],
  ])('compares a large slot with a directory %s', async (_, flags) => {
    const folder = await tempDir()
    const image = await makeLayoutImage(folder)
    const tree = join(folder, 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'noise'), randomBytes(17 * 1024 * 1024))
    const args = ['update', image, tree, '--json']
    expect(JSON.parse((await watchedRun(args)).stdout)).toMatchObject({slot: {action: 'added'}})
    const again = await watchedRun(args, {flags})
    expect(JSON.parse(again.stdout)).toMatchObject({slot: {action: 'unchanged'}})
  })

  it('unpacks a large slot with many files, by threads', async () => {
    const folder = await tempDir()
    const image = await makeLayoutImage(folder)
    const [tree, out] = [join(folder, 'tree'), join(folder, 'out')]
    mkdirSync(tree)
    writeFileSync(join(tree, 'noise'), randomBytes(3 * 1024 * 1024))
    for (let number = 0; number < 700; number++)
      writeFileSync(join(tree, String(number)), `content of ${number}`)
    expect(await watchedRun(['update', image, tree])).toMatchObject({exitCode: 0})
    const unpacked = await watchedRun(['unpack', image, out])
    // Node warns of files that a thread closes and has not opened
    expect(unpacked.exitCode).toBe(0)
    expect(unpacked.stderr).not.toContain('Warning')
    expect(unpacked.modules).toContain('dist/src/layer/decompress/threads/inflate-threads.js')
    for (const name of ['noise', '0', '499', '500', '699'])
      expect(readFileSync(join(out, name)).equals(readFileSync(join(tree, name)))).toBe(true)
  })

  it('unpacks a small slot without what threads need', async () => {
    const folder = await tempDir()
    const image = await makeLayoutImage(folder)
    const tree = join(folder, 'tree')
    mkdirSync(tree)
    writeFileSync(join(tree, 'file'), 'content')
    expect(await watchedRun(['update', image, tree])).toMatchObject({exitCode: 0})
    const {exitCode, modules} = await watchedRun(['unpack', image, join(folder, 'out')])
    expect(exitCode).toBe(0)
    expect(modules).not.toContain('dist/src/layer/decompress/threads/inflate-threads.js')
    expect(modules).not.toContain('dist/src/layer/decompress/threads/ring.js')
  })
})
