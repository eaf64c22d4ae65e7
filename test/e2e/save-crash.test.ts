import {execa} from 'execa'
import {existsSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {ociLayer} from '../../src/oci/media-type.js'
import {openLayoutStore} from '../../src/store/layout/layout-store.js'
import {makeLayoutImage} from '../support/layout-image.js'
import {localPorts} from '../support/local-ports.js'
import {makeEntry, putImage} from '../support/put-image.js'
import {contentOf, namesIn, saveFast, saveTo} from '../support/save.js'
import {tracing} from '../support/strace.js'
import {archive, member} from '../support/tar-fixtures.js'
import {tempDir} from '../support/temp-dir.js'
import {describeWith} from '../support/tools.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const writing =
  'pwrite64,write,writev,rename,link,symlink,unlink,fsync,mkdir,ftruncate,rmdir,chmod,fchmod'

/**
 * Runs the command under strace, with one thread for files, so that system calls can be counted.
 */
async function run(cwd: string, args: readonly string[], strace: readonly string[]) {
  const command = [process.execPath, program, ...args, '-q']
  const env = {UV_USE_IO_URING: '0', UV_THREADPOOL_SIZE: '1', HOME: '/nonexistent'}
  return execa('strace', [...tracing(strace), ...command], {
    cwd,
    env,
    reject: false,
    timeout: 60_000,
  })
}

/**
 * The calls that touch files in the folder, each with its number among those of its name in the
 * whole run.
 */
async function callsOf(
  cwd: string,
  args: readonly string[],
): Promise<{call: string; nth: number}[]> {
  const log = join(await tempDir(), 'trace')
  const first = await run(cwd, args, ['-y', '-o', log, '-e', `trace=${writing}`])
  expect(first.exitCode, first.stderr).toBe(0)
  const counts = new Map<string, number>()
  const calls: {call: string; nth: number}[] = []
  for (const line of readFileSync(log, 'utf8').split('\n')) {
    const [, call = ''] = /^\d+ +(\w+)\(/.exec(line) ?? []
    if (call === '') continue
    const nth = (counts.get(call) ?? 0) + 1
    counts.set(call, nth)
    if (line.includes(cwd) || line.includes('.inject-')) calls.push({call, nth})
  }
  return calls
}

/** Evenly chosen, the last ones in any case: there the names change. */
function chosen<T>(calls: readonly T[], runs: number): T[] {
  const early = calls.slice(0, -6)
  const spread = Array.from(
    {length: runs - 6},
    (_, at) => early[Math.floor((at * early.length) / (runs - 6))],
  )
  return [...spread.flatMap((each) => each ?? []), ...calls.slice(-6)]
}

async function makeTwoImages(): Promise<string> {
  const folder = await tempDir()
  await makeLayoutImage(folder)
  const store = await openLayoutStore(join(folder, 'images'), {create: true})
  const layers = ['a', 'b'].map((name) => ({entries: [makeEntry(`${name}/`)]}))
  // large enough to be written in several steps
  const content = Buffer.alloc(2 << 20, 'noise')
  const large = {blob: archive(member({name: 'x', content})), mediaType: ociLayer}
  await putImage(store, {layers: [...layers, large], tag: 'v2'})
  return folder
}

describeWith(['strace'], 'inject save that is killed', () => {
  it('v1-v4 leaves the archive that was there, or the new one, and the next run leaves nothing else', async () => {
    const folder = await makeTwoImages()
    const ports = localPorts()
    const file = join(folder, 'a.tar')
    const image = (tag: string) => [`oci:${folder}/images:${tag}`]
    await saveTo(file, image('v2'), ports)
    const after = readFileSync(file)
    const args = ['save', ...image('v2'), '-o', file]
    const calls = chosen(await callsOf(folder, args), 10)
    await saveTo(file, image('v1'), ports)
    const before = readFileSync(file)
    let killed = 0
    for (const {call, nth} of calls) {
      await saveTo(file, image('v1'), ports)
      const result = await run(folder, args, [
        '-o',
        '/dev/null',
        '-e',
        `trace=${writing}`,
        '-e',
        `inject=${call}:signal=KILL:when=${nth}`,
      ])
      if (result.signal === 'SIGKILL' || result.exitCode === 137) killed++
      const found = readFileSync(file)
      expect(found.equals(before) || found.equals(after), `${call} ${nth}`).toBe(true)
      // what has no lasting name does not look complete
      for (const name of readdirSync(folder))
        expect(['a.tar', 'images'].includes(name) || name.startsWith('.a.tar.inject-')).toBe(true)
      await saveTo(file, image('v2'), ports)
      expect(readFileSync(file).equals(after)).toBe(true)
      expect(readdirSync(folder).sort(), `I5 after ${call} ${nth}`).toEqual(['a.tar', 'images'])
    }
    expect(killed).toBeGreaterThan(calls.length * 0.7)
    expect(await namesIn(file)).toContain('manifest.json')
  }, 120_000)

  it('v1-v4 leaves a folder of one whole image, or one that does not say that it is whole', async () => {
    const folder = await makeTwoImages()
    const ports = localPorts()
    const out = join(folder, 'out')
    const image = (tag: string) => `oci:${folder}/images:${tag}`
    await saveFast(out, image('v1'), ports)
    const before = contentOf(out)
    const args = [
      'save',
      '--format',
      'fast',
      image('v2'),
      out,
      '--cache',
      join(folder, 'cache'),
      '--jobs',
      '1',
    ]
    const calls = chosen(await callsOf(folder, args), 11)
    const after = contentOf(out)
    expect(after).not.toEqual(before)
    let killed = 0
    for (const {call, nth} of calls) {
      await saveFast(out, image('v1'), ports)
      rmSync(join(folder, 'cache'), {recursive: true, force: true})
      const result = await run(folder, args, [
        '-o',
        '/dev/null',
        '-e',
        `trace=${writing}`,
        '-e',
        `inject=${call}:signal=KILL:when=${nth}`,
      ])
      if (result.signal === 'SIGKILL' || result.exitCode === 137) killed++
      if (existsSync(join(out, 'digest'))) {
        const names = readdirSync(out).filter((name) => !name.startsWith('.inject-'))
        expect([before, after], `${call} ${nth}`).toContainEqual(contentOf(out, names))
      }
      await saveFast(out, image('v2'), ports, {cache: join(folder, 'cache')})
      expect(contentOf(out), `I8 after ${call} ${nth}`).toEqual(after)
      const cached = readdirSync(join(folder, 'cache', 'sha256'))
      expect(
        cached.every((name) => /^[0-9a-f]{64}$/.test(name)),
        `I5 after ${call} ${nth}`,
      ).toBe(true)
    }
    expect(killed).toBeGreaterThan(calls.length * 0.7)
  }, 120_000)
})
