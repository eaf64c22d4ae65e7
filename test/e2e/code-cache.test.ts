import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'
import {watchedRun} from '../support/watched-run.js'

const isRoot = process.geteuid?.() === 0

let warmed: string | undefined

/** What the first run writes into a cache folder, made once: others begin with a copy of it. */
async function warmFolder(): Promise<string> {
  if (warmed !== undefined) return warmed
  warmed = await mkdtemp(join(tmpdir(), 'inject-test-'))
  const first = await watchedRun(['--version'], {env: {XDG_CACHE_HOME: warmed}})
  expect(first).toMatchObject({exitCode: 0, cache: 'none'})
  return warmed
}
afterAll(async () => {
  if (warmed !== undefined) await rm(warmed, {recursive: true})
})

/** A cache folder of the test's own, and runs that use it. */
async function start({warm = true} = {}) {
  const cache = await tempDir()
  if (warm) cpSync(await warmFolder(), cache, {recursive: true, preserveTimestamps: true})
  const env = {XDG_CACHE_HOME: cache}
  const folder = join(cache, 'inject', 'code')
  const run = (args: readonly string[] = ['--version'], flags: readonly string[] = []) =>
    watchedRun(args, {env, flags})
  const names = () => readdirSync(folder)
  const file = () => join(folder, names()[0] ?? '')
  return {cache, folder, run, names, file}
}

describe('the code cache', () => {
  it('is written by the first run, for its owner only, and used by the next', async () => {
    const {folder, run, names, file} = await start({warm: false})
    expect(await run()).toMatchObject({exitCode: 0, cache: 'none'})
    expect(names()).toEqual([expect.stringMatching(/^other-[0-9a-f]{16}-\S+\.v8$/)])
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    const before = statSync(file()).mtimeMs
    const {stdout, ...again} = await run()
    expect(again).toMatchObject({exitCode: 0, cache: 'used', stderr: ''})
    expect(stdout).toMatch(/^inject\//)
    expect(statSync(file()).mtimeMs).toBe(before)
  })

  it('is one for each command, and grows with what the command comes to', async () => {
    const {run, names, folder} = await start({warm: false})
    const where = await tempDir()
    const image = await makeLayoutImage(where)
    const tree = join(where, 'tree')
    mkdirSync(tree)
    const dry = ['update', image, tree, '--dry-run']
    expect(await run(dry)).toMatchObject({exitCode: 0, cache: 'none'})
    const [name = ''] = names()
    expect(name).toMatch(/^update-/)
    const small = statSync(join(folder, name)).size
    expect(await run(dry)).toMatchObject({exitCode: 0, cache: 'used'})
    expect(statSync(join(folder, name)).size).toBe(small)
    const zstd = ['update', image, tree, '--compression', 'zstd']
    expect(await run(zstd)).toMatchObject({exitCode: 0, cache: 'used'})
    expect(statSync(join(folder, name)).size).toBeGreaterThan(small)
    expect(names()).toEqual([name])
  })

  it('has the code of the start, also after a run in which garbage was collected often', async () => {
    const {run, file} = await start()
    const collecting = join(await tempDir(), 'collecting.cjs')
    writeFileSync(
      collecting,
      `process.once('exit', () => {
        for (let i = 0; i < 20; i++) Array.from({length: 2e6}, (_, each) => ({each}))
      })`,
    )
    const {size} = statSync(file())
    rmSync(file())
    expect(await run(['--version'], ['--require', collecting])).toMatchObject({cache: 'none'})
    expect(statSync(file()).size).toBeGreaterThan(0.9 * size)
  })

  it('is where NODE_COMPILE_CACHE says, whatever the folder for caches', async () => {
    const [cache, chosen] = [await tempDir(), await tempDir()]
    const env = {XDG_CACHE_HOME: cache, NODE_COMPILE_CACHE: chosen}
    expect(await watchedRun(['--version'], {env})).toMatchObject({exitCode: 0, cache: 'none'})
    expect(readdirSync(join(chosen, 'inject', 'code'))).toHaveLength(1)
    expect(existsSync(join(cache, 'inject'))).toBe(false)
    expect(await watchedRun(['--version'], {env})).toMatchObject({exitCode: 0, cache: 'used'})
  })

  it('is not written by a run that fails', async () => {
    const {run, folder} = await start({warm: false})
    expect(await run(['inspect', 'oci:/nonexistent:v1'])).toMatchObject({exitCode: 4})
    expect(existsSync(folder)).toBe(false)
  })

  const flipped = (file: string) => {
    const bytes = readFileSync(file)
    const at = bytes.length >> 1
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    writeFileSync(file, bytes)
  }
  it.each<[string, (file: string) => void]>([
    ['with a bit that is another one', flipped],
    ['cut off', (file) => truncateSync(file, 1000)],
    ['empty', (file) => truncateSync(file, 0)],
    ['of zeros', (file) => writeFileSync(file, Buffer.alloc(100_000))],
    ['of something else', (file) => writeFileSync(file, 'x'.repeat(100_000))],
  ])('%s is not used, and written again', async (_, damage) => {
    const {run, file} = await start()
    damage(file())
    const {exitCode, cache, stderr} = await run()
    expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(cache).not.toBe('used')
    expect(await run()).toMatchObject({exitCode: 0, cache: 'used'})
  })

  it('that is a folder, or a link, is not used', async () => {
    const {run, file, cache} = await start()
    const at = file()
    renameSync(at, join(cache, 'elsewhere'))
    symlinkSync(join(cache, 'elsewhere'), at)
    expect(await run()).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
    expect(statSync(at).isFile()).toBe(true)
    rmSync(at)
    mkdirSync(at)
    expect(await run()).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
  })

  it('that others may write to, itself or its folder, is not used', async () => {
    const {run, file, folder, names} = await start()
    chmodSync(file(), 0o620)
    expect(await run()).toMatchObject({exitCode: 0, cache: 'none'})
    expect(statSync(file()).mode & 0o777).toBe(0o600)
    chmodSync(folder, 0o770)
    expect(await run()).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
    const before = names()
    expect(await run(['help'])).toMatchObject({exitCode: 0, cache: 'none'})
    expect(names()).toEqual(before)
  })

  it.runIf(isRoot)(
    'of another user is not used, and none is put into a home of theirs',
    async () => {
      const {run, file, folder, cache} = await start()
      chownSync(file(), 12345, 12345)
      expect(await run()).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
      expect(statSync(file()).uid).toBe(0)
      rmSync(folder, {recursive: true})
      chownSync(join(cache, 'inject'), 12345, 12345)
      expect(await run()).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
      expect(existsSync(folder)).toBe(false)
    },
  )

  it('of another V8 or other flags is another file; under a wrong name V8 refuses it', async () => {
    const {run, names, folder} = await start()
    const [plain = ''] = names()
    const flags = ['--stack-size=900']
    expect(await run(['--version'], flags)).toMatchObject({exitCode: 0, cache: 'none'})
    const other = names().find((name) => name !== plain) ?? ''
    renameSync(join(folder, plain), join(folder, other))
    expect(await run(['--version'], flags)).toMatchObject({exitCode: 0, cache: 'rejected'})
    expect(await run(['--version'], flags)).toMatchObject({exitCode: 0, cache: 'used'})
  })

  it('is done without where it cannot be, or must not', async () => {
    const place = join(await tempDir(), 'file')
    writeFileSync(place, '')
    const nowhere = await watchedRun(['--version'], {env: {XDG_CACHE_HOME: place}})
    expect(nowhere).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
    const home = join(await tempDir(), 'home')
    const homeless = await watchedRun(['--version'], {env: {HOME: home}})
    expect(homeless).toMatchObject({exitCode: 0, cache: 'none', stderr: ''})
    expect(existsSync(home)).toBe(false)
    mkdirSync(home)
    const env = {HOME: home, NODE_DISABLE_COMPILE_CACHE: '1'}
    expect(await watchedRun(['--version'], {env})).toMatchObject({exitCode: 0, cache: 'none'})
    expect(readdirSync(home)).toEqual([])
    await watchedRun(['--version'], {env: {HOME: home}})
    expect(readdirSync(join(home, '.cache/inject/code'))).toHaveLength(1)
  })

  it('is whole when several runs write it at once', async () => {
    const {run, names} = await start({warm: false})
    const runs = await Promise.all(Array.from({length: 4}, () => run()))
    for (const {exitCode, stderr} of runs)
      expect({exitCode, stderr}).toEqual({exitCode: 0, stderr: ''})
    expect(names()).toHaveLength(1)
    expect(await run()).toMatchObject({exitCode: 0, cache: 'used'})
  })

  it('keeps what was used last, and nothing of runs that were killed', async () => {
    const {run, names, folder} = await start()
    for (let i = 0; i < 40; i++) {
      const old = join(folder, `old-${i}.v8`)
      writeFileSync(old, '')
      // the fifth is read now and then
      utimesSync(old, i === 5 ? 50 : i, i)
    }
    const dead = '.code-cache.inject-4194305-1-00000000-0123456789abcdef'
    writeFileSync(join(folder, dead), '')
    utimesSync(join(folder, dead), 1, 1)
    expect(await run(['help'])).toMatchObject({exitCode: 0})
    expect(names()).toHaveLength(24)
    expect(names()).toContain('old-39.v8')
    expect(names()).toContain('old-5.v8')
    expect(names()).not.toContain('old-10.v8')
    expect(names()).not.toContain(dead)
  })
})
