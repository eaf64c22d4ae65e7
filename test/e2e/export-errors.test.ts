import {execa} from 'execa'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {mkdir, rm} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, inject as provided, it} from 'vitest'
import {ociLayer} from '../../src/oci/media-type.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {inject} from '../support/cli.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {contentOf} from '../support/save.js'
import {expectServed, expectSound, siteTree} from '../support/site.js'
import {tracing} from '../support/strace.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

/** Runs the command under strace, which does `tampering` to its system calls. */
async function runTraced(cwd: string, args: readonly string[], tampering: readonly string[]) {
  const command = [process.execPath, program, ...args, '-q']
  const env = {
    UV_USE_IO_URING: '0',
    UV_THREADPOOL_SIZE: '1',
    HOME: '/nonexistent',
    // a cache is written after all else, and so shifts no call that counts
    NODE_COMPILE_CACHE: provided('codeCache'),
  }
  return execa('strace', [...tracing(tampering), ...command], {
    cwd,
    env,
    reject: false,
    timeout: 60_000,
  })
}

/** `v1` is small; `v2` has a layer that is written in several steps. */
async function makeImages(): Promise<string> {
  const folder = await tempDir()
  await makeLayoutImage(folder)
  const store = await openLayoutStore(join(folder, 'images'), {create: true})
  const content = Buffer.alloc(3 << 20, 'noise')
  const large = {blob: archive(member({name: 'x', content})), mediaType: ociLayer}
  await putImage(store, {layers: [{entries: [makeEntry('a/')]}, large], tag: 'v2'})
  return folder
}

/** What writes files for others, each over what it wrote before. */
const commands = {
  'save -o': {
    args: (tag: string, out: string) => ['save', `oci:images:${tag}`, '-o', join(out, 'a.tar')],
    state: (out: string) => Promise.resolve(contentOf(out)),
  },
  'save --format fast': {
    args: (tag: string, out: string) => [
      'save',
      '--format',
      'fast',
      `oci:images:${tag}`,
      out,
      '--jobs',
      '1',
    ],
    state: (out: string) => Promise.resolve(contentOf(out)),
  },
  publish: {
    args: (tag: string, out: string) => [
      'publish',
      `oci:images:${tag}`,
      out,
      '-t',
      'v',
      '--name',
      'app',
    ],
    // blobs that nothing names are nobody's fault
    state: async (out: string) =>
      Object.entries(await siteTree(out)).filter(([path]) => !path.includes('/blobs/')),
  },
}

/** What all calls of the first kind that there is come to, from the first one in OUT on. */
const errors: readonly (readonly [calls: readonly string[], code: string, why: string])[] = [
  [['fsync'], 'EIO', 'the device failed'],
  // where the server of the disk has the last word
  [['pwrite64', 'fsync'], 'EDQUOT', 'quota is used up'],
  [['rename'], 'EROFS', 'read-only'],
]

const signals = [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const

/** Where in OUT each call is, by its number among those of its name in the whole run. */
async function callsIn(out: string, cwd: string, args: readonly string[]) {
  const log = join(await tempDir(), 'trace')
  const names = 'fsync,pwrite64,rename'
  const traced = await runTraced(cwd, args, ['-y', '-o', log, '-e', `trace=${names}`])
  expect(traced.exitCode, traced.stderr).toBe(0)
  const counts = new Map<string, number>()
  return readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, call = ''] = /^\d+ +(\w+)\(/.exec(line) ?? []
      const nth = (counts.get(call) ?? 0) + 1
      counts.set(call, nth)
      return line.includes(`${out}/`) ? {call, nth} : []
    })
}

describeWith(['strace'], 'what writes files for others', () => {
  it.each(Object.entries(commands))(
    'I5 I7 I8 %s: errors of the disk, and signals, leave what was there, and nothing else',
    async (name, {args, state}) => {
      const folder = await makeImages()
      const out = join(folder, 'out')
      const inFolder = async (tag: string): Promise<void> => {
        const {exitCode, stderr} = await inject([...args(tag, out), '-q'], {cwd: folder})
        expect(exitCode, stderr).toBe(0)
        expect(temporaryIn(folder)).toEqual([])
      }
      const start = async (): Promise<unknown> => {
        await rm(out, {recursive: true, force: true})
        if (name === 'save -o') await mkdir(out)
        await inFolder('v1')
        return state(out)
      }
      await start()
      const calls = await callsIn(out, folder, args('v2', out))
      const expectLeft = async (before: unknown, when: string): Promise<void> => {
        expect(await state(out), when).toEqual(before)
        if (name === 'publish') await expectServed(out, when)
        expect(temporaryIn(folder), when).toEqual([])
        await inFolder('v2')
        expect(await state(out)).not.toEqual(before)
        if (name === 'publish') await expectSound(out, when)
      }
      for (const [kinds, code, why] of errors) {
        const before = await start()
        const {call, nth} = calls.find((each) => kinds.includes(each.call))!
        const refusal = `inject=${call}:error=${code}:when=${nth}+`
        const tampering = ['-o', '/dev/null', '-e', `trace=${call}`, '-e', refusal]
        const {exitCode, stdout, stderr} = await runTraced(folder, args('v2', out), tampering)
        expect([exitCode, stdout], `${code} ${stderr}`).toEqual([9, ''])
        expect(stderr).toMatch(new RegExp(why, 'i'))
        await expectLeft(before, code)
      }
      for (const [signal, expected] of signals) {
        const before = await start()
        // while bytes are written, before anything has its name
        const {call, nth} = calls.find((each) => each.call !== 'rename')!
        const tampering = [
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=${signal}:when=${nth}`,
        ]
        const {exitCode, stderr} = await runTraced(folder, args('v2', out), [
          '-o',
          '/dev/null',
          ...tampering,
        ])
        expect(exitCode, stderr).toBe(expected)
        await expectLeft(before, signal)
      }
    },
    120_000,
  )

  it.each(['save -o', 'save --format fast'] as const)(
    '%s makes bytes durable before their name, and the names after that',
    async (name) => {
      const folder = await makeImages()
      const out = join(folder, 'out')
      await mkdir(out)
      const log = join(await tempDir(), 'trace')
      const order = ['-y', '-s', '4096', '-o', log, '-e', 'trace=rename,link,fsync']
      const done = await runTraced(folder, commands[name].args('v2', out), order)
      expect(done.exitCode, done.stderr).toBe(0)
      const lines = readFileSync(log, 'utf8').split('\n')
      const isSynced = (path: string, from: number, until = lines.length): boolean =>
        lines
          .slice(from, until)
          .some((line) => line.includes('fsync(') && line.includes(`<${path}>`))
      const renames = lines.flatMap((line, at) => {
        const [, from, to] = /rename\("([^"]*)", "([^"]*)"\) += 0$/.exec(line) ?? []
        if (from === undefined || to === undefined) return []
        const [source, target] = [join(folder, from), join(folder, to)].map((path, each) =>
          (each === 0 ? from : to).startsWith('/') ? (each === 0 ? from : to) : path,
        )
        return [{at, source: source!, target: target!}]
      })
      const last = renames.filter(({target}) => existsSync(target))
      expect(last.length).toBeGreaterThan(0)
      for (const {at, source, target} of last) {
        // under any name that it had
        const names = [
          source,
          ...renames.filter((each) => each.target === source).map((each) => each.source),
        ]
        const linked = lines
          .slice(0, at)
          .some((line) => line.includes('link(') && line.includes(source))
        expect(
          linked || names.some((path) => isSynced(path, 0, at)),
          `${source} -> ${target}`,
        ).toBe(true)
        expect(isSynced(out, at), target).toBe(true)
      }
      if (name === 'save --format fast') {
        expect(last.at(-1)?.target).toBe(join(out, 'digest'))
        // all other names are durable before it
        expect(isSynced(out, last.at(-2)!.at, last.at(-1)!.at)).toBe(true)
      }
    },
  )
})

function temporaryIn(folder: string): string[] {
  const names = readdirSync(folder, {recursive: true, encoding: 'utf8'})
  return names.filter((path) => /\.inject-(?!site)/.test(path))
}
