import {hashSync} from 'bcryptjs'
import {execa} from 'execa'
import {once} from 'node:events'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, describe, expect, it, onTestFinished} from 'vitest'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {npmPackage} from '../support/npm-package.js'
import {setXattr} from '../support/xattr.js'

const name = 'inject-0.1.0-linux-x64'

const env = {SOURCE_DATE_EPOCH: '1700000000'}
const timeout = 300_000

/** The executable, its licences and the list of its parts, made of the Node of the tests. */
async function makePackage(folder: string): Promise<string> {
  const out = join(folder, 'packages')
  const command =
    'umask 077; exec "$0" bin/package.mjs --node "$0" --package "$1" --out "$2" executable'
  await execa('sh', ['-c', command, process.execPath, await npmPackage(), out], {timeout, env})
  return out
}

/** The same of another folder, by which nothing in it must be called. */
async function makeExecutable(folder: string): Promise<string> {
  const target = join(folder, 'executable')
  const work = join(folder, 'work')
  mkdirSync(work)
  const given = JSON.stringify({app: process.cwd(), node: process.execPath, work, target})
  const code = `import {makeExecutable} from './bin/executable.mjs'; await makeExecutable(${given})`
  await execa(process.execPath, ['--input-type=module', '-e', code], {timeout, env})
  return target
}

describe('the one executable file', () => {
  let folder: string
  let out: string
  let other: string
  /** Runs it where nothing else is: a copy in a folder of its own, without Node on PATH. */
  const run = (args: readonly string[], options: {readonly input?: string} = {}) =>
    execa(join(folder, 'bin/inject'), args, {
      ...options,
      extendEnv: false,
      reject: false,
      timeout: 60_000,
      cwd: folder,
      env: {PATH: '/nonexistent', HOME: join(folder, 'home')},
    })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inject-test-'))
    ;[out, other] = await Promise.all([makePackage(folder), makeExecutable(folder)])
    for (const each of ['bin', 'home', 'tree']) mkdirSync(join(folder, each))
    copyFileSync(join(out, name), join(folder, 'bin/inject'))
    for (let number = 0; number < 600; number++)
      writeFileSync(join(folder, 'tree', String(number)), `${number}`.repeat(6000))
  }, 2 * timeout)
  afterAll(() => rm(folder, {recursive: true, force: true, maxRetries: 3}))

  it('has the same bytes wherever it is made, and says what is in it', async () => {
    const files = readdirSync(out).sort()
    expect(files).toEqual(['SHA256SUMS', name, `${name}.LICENSES.txt`, `${name}.spdx.json`].sort())
    expect(readFileSync(other).equals(readFileSync(join(out, name)))).toBe(true)
    await execa('sha256sum', ['--strict', '-c', 'SHA256SUMS'], {cwd: out})
    const {packages} = JSON.parse(readFileSync(join(out, `${name}.spdx.json`), 'utf8')) as {
      packages: {name: string}[]
    }
    const licences = readFileSync(join(out, `${name}.LICENSES.txt`), 'utf8')
    for (const part of ['node', '@oclif/core', '@napi-rs/xattr-linux-x64-gnu', 'hash-wasm'])
      expect(packages.map((each) => each.name)).toContain(part)
    expect(licences).toContain('@foxglove/wasm-zstd 1.0.1: MIT')
  })

  it('needs no cache at its first start, and answers as the program does', async () => {
    const version = await run(['--version'])
    expect(version.stdout).toMatch(/^inject\/0\.1\.0 linux-x64 node-v/)
    // what it has inside was enough
    expect(existsSync(join(folder, 'home/.cache'))).toBe(false)
    expect((await run(['update', '--help'])).stdout).toContain('USAGE')
    expect(await run(['nonsense'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('unknown command "nonsense"') as string,
    })
    expect((await run(['completion', 'bash'])).stdout).toContain('complete -')
    expect((await run(['complete', '--', 'unpa'])).stdout).toContain('unpack')
    expect((await run(['man', 'update'])).stdout).toMatch(/^\.TH INJECT\\-UPDATE 1/)
    expect((await run(['man'])).stdout).toMatch(/^\.TH INJECT 1/)
    expect((await run(['inspect', 'oci:missing:v1'])).exitCode).toBe(4)
  })

  it.each([
    ['gzip', []],
    ['zlib', ['--compression-level', '6']],
    ['zstd', ['--compression', 'zstd']],
    ['chunked', ['--compression', 'zstd:chunked']],
  ] as const)(
    'packs and unpacks as the program does, with attributes and in threads: %s',
    async (tag, flags) => {
      const work = join(folder, tag)
      mkdirSync(work)
      const image = await makeLayoutImage(work)
      const tree = join(folder, 'tree')
      await setXattr(join(tree, '599'), 'user.test', Buffer.from('value'))
      const update = ['update', image, tree, ...flags, '--created', '2026-01-01T00:00:00Z']
      const one = await run([...update, '--tag', tag])
      expect(one).toMatchObject({
        exitCode: 0,
        stderr: expect.not.stringContaining('warning') as string,
      })
      const plain = await inject([...update, '--tag', `${tag}-plain`])
      expect(plain).toMatchObject({exitCode: 0, stdout: one.stdout})

      const target = join(work, 'unpacked')
      const unpacked = await run(['unpack', image.replace(/:v1$/, `:${tag}`), target])
      expect(unpacked.exitCode).toBe(0)
      expect(readFileSync(join(target, '599'), 'utf8')).toBe('599'.repeat(6000))
      const {stdout} = await execa('getfattr', ['--only-values', '-n', 'user.test', '599'], {
        cwd: target,
      })
      expect(stdout).toBe('value')
    },
  )

  it('serves with passwords, takes one from stdin, and ends by a signal, whatever lies in the current folder', async () => {
    for (const part of ['@napi-rs/xattr', 'bcryptjs']) {
      const place = join(folder, 'node_modules', part)
      mkdirSync(place, {recursive: true})
      writeFileSync(join(place, 'index.js'), 'process.exit(99)')
    }
    writeFileSync(join(folder, 'users'), `ada:${hashSync('right', 4)}\n`)
    const words = ['serve', join(folder, 'root'), '--listen', '127.0.0.1:0', '--auth']
    const server = run([...words, `htpasswd:${join(folder, 'users')}`])
    onTestFinished(() => void server.kill('SIGKILL'))
    const [url = ''] = (await once(server.stdout, 'data')).map(String)
    const {host} = new URL(url.trim())
    const login = (input: string) => run(['login', host, '-u', 'ada', '--password-stdin'], {input})
    expect((await login('wrong')).exitCode).toBe(3)
    expect((await login('right')).exitCode).toBe(0)
    const image = `${host}/team/app:v1`
    expect(await run(['create', image, join(folder, 'tree'), '--path', '/srv'])).toMatchObject({
      exitCode: 0,
    })
    const saved = join(folder, 'fast')
    expect(await run(['save', '--format', 'fast', image, saved])).toMatchObject({exitCode: 0})
    server.kill('SIGTERM')
    expect((await server).exitCode).toBe(0)
  })
})
