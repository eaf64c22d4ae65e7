import {execa} from 'execa'
import {existsSync, readdirSync} from 'node:fs'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {checkSite} from '../../src/site/check.js'
import {listBegun} from '../../src/site/folders.js'
import {readEntries} from '../../src/site/manifests.js'
import {sitePaths} from '../../src/site/paths.js'
import {expectServed, expectSound, sweep, unpublish} from '../support/site.js'
import {mountTmpfs} from '../disk/tmpfs.js'
import {bundleProgram} from '../support/bundle-program.js'
import {callsIn, straced} from '../support/strace.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const child = await bundleProgram(new URL('../support/site-child.ts', import.meta.url))
const writing = 'pwrite64,rename,link,symlink,unlink,rmdir,fsync,mkdir,utimensat,chmod,fchmod'

/**
 * That a copy of the site has nothing of any image any more when its tags are gone and it was
 * swept.
 */
async function expectEmptied(original: string, when: string): Promise<void> {
  // killed before it was one
  if (!existsSync(sitePaths.own(original))) return
  const site = join(await tempDir(), 'site')
  await execa('cp', ['-a', original, site])
  for (const name of await listBegun(site))
    for (const tag of (await readEntries(sitePaths.repository(site, name))).tags.keys())
      await unpublish(`${site}/${name}:${tag}`)
  await sweep(site)
  const left = readdirSync(site, {recursive: true, encoding: 'utf8'})
  const images = left.filter((path) => !setUp.test(path))
  expect(images, `emptied after ${when}`).toEqual([])
  expect((await checkSite(site)).unused, when).toEqual([])
  await expectSound(site, `emptied after ${when}`)
}

const setUp =
  /^(?:nginx\.conf|apache\.conf|_headers|v2|v2\/(?:index\.html|_catalog|_errors(?:\/[\w-]+)?)|\.inject-site(?:\/pool(?:\/sha256)?)?)$/

/** The steps in which a publication becomes visible, by the name that a rename gives. */
const steps: readonly (readonly [step: string, pattern: RegExp])[] = [
  ['x1 folders', /mkdir\(.*\/team\/app\/manifests"/],
  ['x1 before anything lasts', /fsync\(/],
  ['x1 blobs', /rename\(.*\/team\/app\/blobs\/sha256:/],
  ['x2 manifests', /rename\(.*\/team\/app\/manifests\/\.all\/sha256:/],
  ['x3 tags list', /rename\(.*\/team\/app\/tags\/list"/],
  ['x4 catalog', /rename\(.*\/v2\/_catalog"/],
  ['x5 swap', /rename\(.*\/team\/app\/manifests\/\.all\/v1"/],
  ['x5 name of a new tag', /rename\(.*\/team\/app\/manifests\/v1"/],
  ['unpublish: blobs', /unlink\(.*\/team\/app\/blobs\/sha256:/],
  ['unpublish: pool', /unlink\(.*\/pool\/sha256\//],
  ['unpublish: tag', /unlink\(.*\/team\/app\/manifests\/\.all\/v2"/],
  ['unpublish: manifest', /rename\(.*\/manifests\/\.all\/sha256:[^"]*", ".*\.inject-/],
]

describeWith(['strace'], 'a publisher that is killed', () => {
  it('x1-x5 at any of its writing system calls leaves a site that names nothing that is missing, and that the next one completes', async () => {
    // in memory where that can be had: a kill loses nothing that was written
    const memory = (await mountTmpfs('size=256m')) ?? (await tempDir())
    const whole = join(memory, 'whole')
    const log = join(await tempDir(), 'trace')
    const first = await straced(child, whole, ['-s', '4096', '-o', log, '-e', `trace=${writing}`])
    expect(first.exitCode, first.stderr).toBe(0)
    await expectSound(whole)
    const calls = callsIn(await readFile(log, 'utf8'))
    const points = steps.map(([step, pattern]) => {
      const found = calls.find(({line}) => pattern.test(line))
      expect(found, step).toBeDefined()
      return {step, ...found!}
    })
    const spread = 2
    for (let at = 0; at < spread; at++)
      points.push({step: 'sweep', ...calls[Math.floor(((at + 0.5) * calls.length) / spread)]!})
    let killed = 0
    for (const [at, {step, call, nth}] of points.entries()) {
      const when = `${step}: killed at ${call} ${nth}`
      const site = join(memory, `killed-${at}`)
      const inject = `inject=${call}:signal=KILL:when=${nth}`
      const {signal, exitCode} = await straced(child, site, [
        '-o',
        '/dev/null',
        '-e',
        `trace=${writing}`,
        '-e',
        inject,
      ])
      if (signal === 'SIGKILL' || exitCode === 137) killed++
      await expectServed(site, when)
      await expectEmptied(site, when)
      // I5 I8: the same again, as if nothing had been
      const again = await execa(process.execPath, [child, site], {
        reject: false,
        timeout: 60_000,
      })
      expect(again.exitCode, `I8 ${when}: ${again.stderr}`).toBe(0)
      await expectSound(site, `again after ${when}`)
      const names = readdirSync(site, {recursive: true, encoding: 'utf8'})
      const left = names.filter((name) => /\.inject-(?!site)/.test(name))
      expect(left, `I5 ${when}`).toEqual([])
    }
    // the start of the runtime may take a call or two more or less
    expect(killed).toBeGreaterThan(points.length * 0.8)
  }, 300_000)

  it('makes bytes durable before their name, and the name before what names it', async () => {
    const site = join(await tempDir(), 'site')
    const log = join(await tempDir(), 'trace')
    await straced(child, site, ['-y', '-s', '4096', '-o', log, '-e', 'trace=rename,link,fsync'])
    const lines = (await readFile(log, 'utf8')).split('\n')
    const isSynced = (path: string, until: number, from = 0): boolean =>
      lines.slice(from, until).some((line) => line.includes('fsync(') && line.includes(`<${path}>`))
    let checked = 0
    for (const [at, line] of lines.entries()) {
      const [, from = '', to = ''] =
        /rename\("([^"]*)", "([^"]*\/v2\/(?:[^"]*\/blobs\/sha256:[0-9a-f]+|[^"]*\/tags\/list|_catalog|[^"]*\/referrers\/[^"]*))"\) += 0$/.exec(
          line,
        ) ?? []
      if (to === '') continue
      checked++
      const isLink = lines
        .slice(0, at)
        .some((each) => each.includes('link(') && each.includes(`, "${from}")`))
      expect(isSynced(from, at) || isLink, `${from} before it becomes ${to}`).toBe(true)
      expect(isSynced(to.slice(0, to.lastIndexOf('/')), lines.length, at), to).toBe(true)
    }
    expect(checked).toBeGreaterThan(10)
    // the folder of the blobs is durable before a manifest names them
    const named = lines.findIndex((line) => /rename\(.*\/manifests\/\.all\/sha256:/.test(line))
    expect(isSynced(join(site, 'v2/team/app/blobs'), named)).toBe(true)
  })
})
