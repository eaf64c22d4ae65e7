import {execa} from 'execa'
import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setImmediate} from 'node:timers/promises'
import {fileURLToPath} from 'node:url'
import {expect, inject as provided, it} from 'vitest'
import {inject, injectJson} from '../support/cli.js'
import {openRegistry} from '../support/open-registry.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {serveRegistry} from '../support/served-registry.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

async function start() {
  const {address, records} = await serveRegistry()
  await putImage(openRegistry(address).store, {layers: [{entries: [makeEntry('etc/')]}]})
  const folder = await tempDir()
  const tree = join(folder, 'tree')
  for (let at = 0; at < 400; at++) {
    mkdirSync(join(tree, `part${at % 20}`), {recursive: true})
    writeFileSync(join(tree, `part${at % 20}`, `file${at}`), `${at} `.repeat(2000))
  }
  const image = `${address}/team/app`
  const env = {XDG_CACHE_HOME: join(folder, 'cache')}
  const update = async (tag: string) => {
    const args = ['update', `${image}:v1`, tree, '--tag', tag, '--layers', '10']
    expect((await inject(args, {env})).exitCode).toBe(0)
  }
  await update('one')
  for (const at of [3, 123]) writeFileSync(join(tree, `part${at % 20}`, `file${at}`), 'new')
  await update('two')
  return {folder, image, env, records}
}

function contentOf(directory: string): string {
  const names = readdirSync(directory, {recursive: true, encoding: 'utf8'}).sort()
  return names
    .map((name) => (/file\d+$/.test(name) ? readFileSync(join(directory, name), 'utf8') : name))
    .join('\n')
}

it('fetches what changed, says so, and all of it with --verify', async () => {
  const {folder, image, env, records} = await start()
  const out = join(folder, 'out')
  await inject(['unpack', `${image}:one`, out], {env})
  const unpack = (...more: string[]) =>
    inject(['unpack', `${image}:two`, out, '--force', ...more], {env})
  const before = records.length
  const {stderr} = await unpack()
  const [, kept, layers] = / (\d+) of (\d+) layers were there already/.exec(stderr) ?? []
  const blobs = records.slice(before).filter(({target}) => target.includes('/blobs/'))
  expect(Number(kept)).toBeGreaterThan(4)
  // and the config
  expect(blobs).toHaveLength(Number(layers) - Number(kept) + 1)
  expect((await unpack('--verify')).stderr).not.toContain('there already')
})

it(
  'DIR is one version or the other when it is killed, and the next run succeeds',
  {timeout: 240_000},
  async () => {
    const {folder, image, env} = await start()
    const versions = new Map<string, string>()
    for (const tag of ['one', 'two']) {
      const place = join(folder, tag)
      await inject(['unpack', `${image}:${tag}`, place], {env})
      versions.set(contentOf(place), tag)
    }
    const out = join(folder, 'out')
    await inject(['unpack', `${image}:one`, out], {env})
    const seen = new Set<string | undefined>()
    for (let round = 0; round < 4; round++) {
      const tag = round % 2 === 0 ? 'two' : 'one'
      const child = execa(
        process.execPath,
        [program, 'unpack', `${image}:${tag}`, out, '--force'],
        {
          reject: false,
          extendEnv: false,
          env: {
            PATH: process.env['PATH'] ?? '',
            HOME: '/nonexistent',
            NODE_COMPILE_CACHE: provided('codeCache'),
            ...env,
          },
        },
      )
      const timer = setTimeout(() => child.kill('SIGKILL'), 150 + round * 180)
      await child
      clearTimeout(timer)
      // between two renames it is aside, and comes back with the next run
      if (existsSync(out)) expect(versions.has(contentOf(out))).toBe(true)
      const next = await injectJson(['unpack', `${image}:${tag}`, out, '--force'], {env})
      expect(next['digest']).toMatch(/^sha256:/)
      seen.add(versions.get(contentOf(out)))
      expect(versions.get(contentOf(out))).toBe(tag)
      expect(readdirSync(folder).filter((name) => name.includes('.inject-'))).toEqual([])
    }
    expect([...seen].sort()).toEqual(['one', 'two'])
  },
)

it(
  'is completed by the next run when it is killed while the directory is aside',
  {timeout: 240_000},
  async () => {
    const {folder, image, env} = await start()
    const versions = new Map<string, string>()
    for (const tag of ['one', 'two']) {
      await inject(['unpack', `${image}:${tag}`, join(folder, tag)], {env})
      versions.set(tag, contentOf(join(folder, tag)))
    }
    const out = join(folder, 'out')
    await inject(['unpack', `${image}:one`, out], {env})
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [program, 'unpack', `${image}:two`, out, '--force'], {
        stdio: 'ignore',
        env: {
          PATH: process.env['PATH'],
          HOME: '/nonexistent',
          NODE_COMPILE_CACHE: provided('codeCache'),
          ...env,
        },
      })
      const ended = once(child, 'exit')
      const since = performance.now()
      const isOver = () => performance.now() - since > 20_000
      // the registry is in this process: it needs its turns until everything is fetched
      const isNear = () => leftIn(folder).some((name) => /-turn$|-half-/.test(name))
      while (!isNear() && child.exitCode === null && !isOver()) await setImmediate()
      if (child.exitCode === null && isNear()) {
        process.kill(child.pid ?? 0, 'SIGKILL')
        await ended
        if (!existsSync(out)) {
          const {exitCode, stderr} = await inject(['update', `${image}:one`, out, '--tag', 'x'], {
            env,
          })
          expect(exitCode).toBe(9)
          expect(stderr).toContain('an unpack has moved it aside')
        }
      }
      await ended
      // of whatever version: what was begun is completed, and then changed
      const {stderr, exitCode} = await inject(['unpack', `${image}:one`, out, '--force'], {env})
      expect({stderr, exitCode}).toMatchObject({exitCode: 0})
      expect(contentOf(out)).toBe(versions.get('one'))
      expect(leftIn(folder)).toEqual([])
    }
  },
)

function leftIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.includes('.inject-'))
}
