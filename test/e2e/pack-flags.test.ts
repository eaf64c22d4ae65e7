import {randomBytes} from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {tempDir} from '../support/temp-dir.js'

/**
 * An hour later for the program than for the file system: as if the directory had not been touched
 * for long.
 */
const later = encodeURIComponent('const now = Date.now; Date.now = () => now() + 3_600_000')

interface Updated {
  readonly changed: boolean
  readonly digest: string
  readonly layer: {readonly digest: string; readonly diffId: string; readonly size: number}
}

/** A directory of a few blocks, layouts to put it into, and a cache folder of the test's own. */
async function start() {
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  for (let i = 0; i < 40; i++) writeText(join(tree, `file${i}`), 30_000)
  const cache = join(folder, 'cache')
  const env = {XDG_CACHE_HOME: cache, NODE_OPTIONS: `--import=data:text/javascript,${later}`}
  const image = await makeLayoutImage(folder)
  const other = await makeLayoutImage(join(folder, 'other'))
  const run = (flags: readonly string[], at = image) =>
    inject(['update', at, tree, ...flags], {env})
  const update = async (flags: readonly string[] = [], at = image) => {
    // one time for all: what differs is what is asked about
    const args = ['update', at, tree, '--created', '2026-01-01T00:00:00Z', ...flags]
    return (await injectJson(args, {env})) as unknown as Updated
  }
  const blocks = () =>
    readdirSync(join(cache, 'inject/blocks')).map((name) => join(cache, 'inject/blocks', name))
  return {folder, tree, image, other, cache, run, update, blocks}
}

/** Text that deflate halves. */
function writeText(path: string, size: number): void {
  writeFileSync(path, randomBytes(size / 2).toString('hex'))
}

describe('the flags of what packing costs', () => {
  it('--compression-level gives other bytes of the same content', async () => {
    const {update, image} = await start()
    const plain = await update(['--tag', 'plain'])
    const fast = await update(['--compression-level', '1', '--tag', 'fast'], image)
    const best = await update(['--compression-level', '9', '--tag', 'best'], image)
    for (const {layer} of [fast, best]) {
      expect(layer.diffId).toBe(plain.layer.diffId)
      expect(layer.digest).not.toBe(plain.layer.digest)
    }
    expect(best.layer.digest).not.toBe(fast.layer.digest)
    expect(best.layer.size).toBeLessThan(fast.layer.size)
  })

  it('ERR_INJECT_LEVEL_WITHOUT_GZIP: a level for what is not compressed by gzip is refused', async () => {
    const {run, image, folder} = await start()
    const before = readFileSync(join(folder, 'images/index.json'), 'utf8')
    for (const compression of ['zstd', 'none']) {
      const message = `--compression-level works with gzip only, and --compression is ${compression}`
      const flags = ['--compression', compression, '--compression-level', '1']
      expect(await run(flags), image).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: `inject: ${message}: leave one of the two out`,
      })
      const {exitCode, stdout} = await run([...flags, '--json'])
      expect(exitCode).toBe(2)
      expect(JSON.parse(stdout)).toEqual({
        schemaVersion: 1,
        error: {
          code: 'ERR_INJECT_LEVEL_WITHOUT_GZIP',
          message,
          hint: 'leave one of the two out',
          exitCode: 2,
        },
      })
    }
    expect(readFileSync(join(folder, 'images/index.json'), 'utf8')).toBe(before)
  })

  it('--jobs changes nothing but the time', async () => {
    const {update} = await start()
    const one = await update(['--jobs', '1', '--tag', 'one'])
    const many = await update(['-j', '256', '--tag', 'many'])
    expect(many.layer).toMatchObject({digest: one.layer.digest, diffId: one.layer.diffId})
    expect(many.digest).toBe(one.digest)
  })

  it('--cache gives the bytes that an update without it gives, and keeps one file for what is packed', async () => {
    const {tree, cache, other, update, blocks} = await start()
    await update(['--tag', 'v0'])
    expect(readdirSync(join(cache, 'inject'))).not.toContain('blocks')
    await update(['--cache', '--tag', 'v2'])
    const [first = ''] = blocks()
    expect(blocks()).toEqual([first])
    expect(statSync(first).mode & 0o777).toBe(0o600)
    const kept = readFileSync(first)
    writeText(join(tree, 'file7'), 30_000)
    const second = await update(['--cache', '--tag', 'v3'])
    expect(blocks()).toEqual([first])
    expect(readFileSync(first).equals(kept)).toBe(false)
    const plain = await update(['--tag', 'v3'], other)
    expect(second).toMatchObject({changed: true, digest: plain.digest})
    expect(second.layer.digest).toBe(plain.layer.digest)
  })

  it('--cache is not a failure where there can be none, and that is said', async () => {
    const {cache, run, update, other} = await start()
    mkdirSync(join(cache, 'inject'), {recursive: true})
    writeFileSync(join(cache, 'inject/blocks'), 'in the way')
    const {exitCode, stderr} = await run(['--cache'])
    expect(exitCode).toBe(0)
    expect(stderr).toContain('inject: there cannot be a cache of blocks in ')
    expect(readFileSync(join(cache, 'inject/blocks'), 'utf8')).toBe('in the way')
    expect((await update(['--cache'], other)).changed).toBe(true)
  })

  it('--cache-size bounds the folder: the file that was written last stays, and with 0 none', async () => {
    const {update, blocks} = await start()
    const {layer} = await update(['--cache', '--tag', 'v0'])
    const [first = ''] = blocks()
    const {size} = statSync(first)
    expect(size).toBeGreaterThan(layer.size / 2)
    utimesSync(first, 1_600_000_000, 1_600_000_000)
    // what is packed for another place is another thing
    const more = ['--path', '/opt', '--cache', '--cache-size']
    await update([...more, `${3 * size}`, '--tag', 'v2'])
    expect(blocks()).toHaveLength(2)
    await update([...more, `${Math.floor(1.5 * size)}`, '--tag', 'v3'])
    expect(blocks()).toHaveLength(1)
    expect(blocks()).not.toContain(first)
    await update([...more, '0', '--tag', 'v4'])
    expect(blocks()).toEqual([])
  })

  it('--verify reads everything; without it nothing is read that looks as it did', async () => {
    const {tree, cache, run} = await start()
    const steps = async (flags: readonly string[] = []) => {
      const {exitCode, stdout, stderr} = await run(flags)
      expect(exitCode, stderr).toBe(0)
      const reads = /^inject: (compare|pack and push): /m.test(stderr)
      return {stdout, reads, changed: !stderr.includes('unchanged: ')}
    }
    const first = await steps()
    expect(first).toMatchObject({reads: true, changed: true})
    expect(readdirSync(join(cache, 'inject/trees'))).toHaveLength(1)
    expect(await steps()).toEqual({stdout: first.stdout, reads: false, changed: false})
    chmodSync(join(tree, 'file3'), 0o600)
    expect(await steps()).toMatchObject({reads: true, changed: true})
    const third = await steps()
    expect(third).toMatchObject({reads: false, changed: false})
    expect(await steps(['--verify'])).toEqual({...third, reads: true})
    // kept for scripts
    expect(await steps(['--trust-mtime'])).toEqual(third)
    writeText(join(tree, 'file4'), 30_000)
    expect(await steps()).toMatchObject({reads: true, changed: true})
  })
})

describe('what is not a value of theirs', () => {
  const integer = (flag: string, most: number): [string, string][] => [
    ['0', `--${flag}: expected an integer greater than or equal to 1 but received: 0`],
    ['-1', `--${flag}: expected an integer greater than or equal to 1 but received: -1`],
    ['1.5', `--${flag}: expected an integer but received: 1.5`],
    ['abc', `--${flag}: expected an integer but received: abc`],
    ['', `--${flag}: expected an integer but received nothing`],
    [
      `${most + 1}`,
      `--${flag}: expected an integer less than or equal to ${most} but received: ${most + 1}`,
    ],
    [
      '9'.repeat(30),
      `--${flag}: expected an integer less than or equal to ${most} but received: ${'9'.repeat(30)}`,
    ],
  ]
  const cases: [flag: string, more: string[], values: [value: string, message: string][]][] = [
    ['compression-level', [], integer('compression-level', 9)],
    ['jobs', [], integer('jobs', 256)],
    [
      'cache-size',
      ['--cache'],
      ['-1', '1e1', 'abc', '', '5 G', '9'.repeat(30)].map((value) => [
        value,
        `--cache-size: not a size: ${JSON.stringify(value)}`,
      ]),
    ],
  ]
  it.each(cases)(
    '--%s: one line, exit code 2, and the same under --json',
    async (flag, more, values) => {
      const folder = await tempDir()
      const image = await makeLayoutImage(folder)
      const run = (value: string, ...rest: string[]) =>
        inject(['update', image, folder, ...more, `--${flag}`, value, ...rest])
      for (const [value, message] of values) {
        const [plain, json] = await Promise.all([run(value), run(value, '--json')])
        expect(plain).toMatchObject({exitCode: 2, stdout: ''})
        expect(plain.stderr).toContain(`inject: ${message}: `)
        expect(plain.stderr).not.toContain('\n')
        expect(json).toMatchObject({exitCode: 2, stderr: ''})
        expect(JSON.parse(json.stdout)).toMatchObject({
          schemaVersion: 1,
          error: {message, exitCode: 2, code: expect.stringMatching(/^ERR_INJECT_/) as string},
        })
      }
    },
  )

  it('--cache-size without --cache, and a flag without its value', async () => {
    const [alone, bare] = await Promise.all([
      inject(['update', 'oci:a:v1', 'tree', '--cache-size', '5G']),
      inject(['update', 'oci:a:v1', 'tree', '--jobs']),
    ])
    expect(alone).toMatchObject({exitCode: 2, stdout: ''})
    expect(alone.stderr).toBe('inject: --cache-size needs --cache: see --help')
    expect(bare).toMatchObject({exitCode: 2, stdout: ''})
    expect(bare.stderr).toMatch(/^inject: .*--jobs.*: see --help$/)
  })
})

describe('what unpack and update remember', () => {
  it('is not kept in a directory that is packed or unpacked', async () => {
    const {folder, tree, image} = await start()
    const env = {
      XDG_CACHE_HOME: join(tree, 'cache'),
      NODE_OPTIONS: `--import=data:text/javascript,${later}`,
    }
    await injectJson(['update', image, tree, '--no-resume'], {env})
    expect(readdirSync(tree)).not.toContain('cache')
    const out = join(folder, 'out')
    await injectJson(['unpack', image, out], {env: {XDG_CACHE_HOME: join(out, 'cache')}})
    expect(readdirSync(out)).toEqual(readdirSync(tree))
  })

  it('lets an update after unpack read nothing', async () => {
    const {folder, cache, tree, image} = await start()
    await injectJson(['update', image, tree])
    const out = join(folder, 'out')
    const env = {XDG_CACHE_HOME: cache}
    await injectJson(['unpack', image, out], {env})
    const {stderr} = await inject(['update', image, out], {env})
    expect(stderr).toContain('inject: unchanged: ')
    expect(stderr).not.toContain('inject: compare: ')
  })
})
