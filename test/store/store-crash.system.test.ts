import {readdirSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {execa} from 'execa'
import {expect, it} from 'vitest'
import {digestOf} from '../../src/oci/digest.js'
import {checkStore} from '../../src/store/check/check-store.js'
import {collectGarbage} from '../../src/store/garbage/collect.js'
import {planGarbage} from '../../src/store/garbage/plan.js'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {bytesOf} from '../support/root-fixtures.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {bundleProgram} from '../support/bundle-program.js'
import {callsIn, straced} from '../support/strace.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const child = await bundleProgram(new URL('../support/store-child.ts', import.meta.url))
const writing = 'pwrite64,rename,link,symlink,unlink,fsync,mkdir,ftruncate,utimensat,chmod,fchmod'

async function refuseFaults(directory: string, when: string): Promise<void> {
  const root = await openRepositoryRoot(directory, {create: true})
  try {
    const {repositories} = await checkStore(root)
    for (const {name, faults, images, corrupt} of repositories) {
      expect(faults, `I3 ${when} ${name}`).toEqual([])
      // one blob is damaged on purpose; until it was read it is there
      const damaged = digestOf(bytesOf('to be damaged'))
      expect(
        corrupt.filter((digest) => digest !== damaged),
        `I4 ${when}`,
      ).toEqual([])
      for (const image of images)
        expect(image.status, `I1 ${when} ${image.faults.join()}`).toBe('ok')
      const tags = images.flatMap((image) => image.tags)
      expect(new Set(tags).size, `I2 ${when}`).toBe(tags.length)
    }
    const a = await root.openRepository('a')
    for (const id of uploadsIn(directory)) {
      const session = await a?.resumeUpload(id)
      expect(session?.offset, `I10 ${when}`).toBeTypeOf('number')
      const received = await readFile(join(directory, 'a', '.inject-uploads', id))
      expect(session?.offset).toBe(received.length)
      const digest = digestOf(Buffer.concat([received, bytesOf('rest')]))
      await session?.append(
        (async function* () {
          yield await Promise.resolve(bytesOf('rest'))
        })(),
        {at: received.length},
      )
      expect((await session?.finish(digest))?.digest, `I10 ${when}`).toBe(digest)
    }
    await collectGarbage(await planGarbage(root, {graceMs: 0}))
  } finally {
    await root.close()
  }
}

function uploadsIn(directory: string): string[] {
  try {
    return readdirSync(join(directory, 'a', '.inject-uploads')).filter(
      (name) => !name.includes('.'),
    )
  } catch {
    return []
  }
}

/** What a store does, by the calls with which it does it. */
const steps: readonly (readonly [step: string, pattern: RegExp])[] = [
  ['a repository of its own', /mkdir\(.*\/blobs\/sha256"/],
  ['bytes of an upload', /pwrite64\(/],
  ['how far an upload is', /rename\(.*\.inject-uploads\/[^"]*\.state"/],
  ['what is to last', /fsync\(/],
  ['a blob', /rename\(.*\.inject-uploads\/[^"]*", ".*\/blobs\/sha256\//],
  ['what all repositories share', /[^n]link\(.*\/pool\/sha256\//],
  ['an upload that is over', /unlink\(.*\.inject-uploads\/[^"]*\.state"/],
  ['a manifest', /rename\(.*\/a\/\.inject-[^/"]*", ".*\/blobs\/sha256\//],
  ['tags', /rename\(.*", ".*\/a\/index\.json"/],
  ['a copy of the tags', /rename\(.*\.copy\.json"/],
  ['a blob that is collected', /rename\(.*", ".*\.inject-collecting\//],
  ['and gone', /unlink\(.*\.inject-collecting\//],
  ['and shared no more', /unlink\(.*\/pool\/sha256\//],
  ['a lock', /[^n]link\(.*\/\.inject-lock"/],
]

describeWith(['strace'], 'a store process that is killed', () => {
  it('s1-s14 at any of its writing system calls leaves a store that is whole, and that the next one goes on with', async () => {
    // in memory where that can be had: a kill loses nothing that was written
    const memory = (await mountTmpfs('size=256m')) ?? (await tempDir())
    const whole = join(memory, 'whole')
    const log = join(await tempDir(), 'trace')
    const first = await straced(child, whole, ['-s', '4096', '-o', log, '-e', `trace=${writing}`])
    expect(first.exitCode, first.stderr).toBe(0)
    await refuseFaults(whole, 'without a kill')
    const calls = callsIn(await readFile(log, 'utf8'))
    expect(calls.length).toBeGreaterThan(200)
    const points = steps.map(([step, pattern]) => {
      const found = calls.filter(({line}) => pattern.test(line))
      expect(found.length, step).toBeGreaterThan(0)
      return {step, ...found[Math.floor(found.length / 2)]!}
    })
    let killed = 0
    for (const [at, {step, call, nth}] of points.entries()) {
      const when = `${step}: ${call} ${nth}`
      const directory = join(memory, `killed-${at}`)
      const {signal, exitCode} = await straced(child, directory, [
        '-o',
        '/dev/null',
        '-e',
        `trace=${writing}`,
        '-e',
        `inject=${call}:signal=KILL:when=${nth}`,
      ])
      if (signal === 'SIGKILL' || exitCode === 137) killed++
      else expect(exitCode).toBe(0)
      await refuseFaults(directory, `killed at ${when}`)
      // I5 I8: the same again, as if nothing had been
      const again = await execa(process.execPath, [child, directory], {
        reject: false,
        timeout: 60_000,
      })
      expect(again.exitCode, `I8 after ${when}: ${again.stderr}`).toBe(0)
      await refuseFaults(directory, `again after ${when}`)
      const left = readdirSync(join(directory, 'a')).filter((name) => name.startsWith('.inject-'))
      expect(left.sort(), `I5 after ${when}`).toEqual(['.inject-collecting', '.inject-uploads'])
      expect(uploadsIn(directory)).toEqual([])
      const inHand = readdirSync(join(directory, 'a', '.inject-collecting'))
      expect(inHand, `I5 after ${when}`).toEqual([])
    }
    // the start of the runtime may take a call or two more or less
    expect(killed).toBeGreaterThan(points.length * 0.8)
  }, 300_000)

  it('makes bytes durable before their name, and the name before it says so', async () => {
    const directory = await tempDir()
    const log = join(await tempDir(), 'trace')
    await straced(child, directory, ['-y', '-o', log, '-e', 'trace=rename,link,fsync'])
    const lines = (await readFile(log, 'utf8')).split('\n')
    const published = lines.flatMap((line, at) => {
      const [, from, to] =
        /rename\("([^"]*)", "([^"]*(?:\/blobs\/sha\d+\/[0-9a-f]+|index\.json))"\)/.exec(line) ?? []
      return from && to && !from.includes('collecting') && line.endsWith('= 0')
        ? [{from, to, at}]
        : []
    })
    expect(published.length).toBeGreaterThan(10)
    for (const {from, to, at} of published) {
      const isSynced = lines
        .slice(0, at)
        .some((line) => line.includes('fsync(') && line.includes(`<${from}>`))
      // another name for bytes that are durable under theirs
      const isLink = lines
        .slice(0, at)
        .some((line) => line.includes('link(') && line.includes(`, "${from}")`))
      expect(isSynced || isLink, `${from} before it becomes ${to}`).toBe(true)
      const folder = to.slice(0, to.lastIndexOf('/'))
      expect(
        lines.slice(at).some((line) => line.includes('fsync(') && line.includes(`<${folder}>`)),
        to,
      ).toBe(true)
    }
  })
})
