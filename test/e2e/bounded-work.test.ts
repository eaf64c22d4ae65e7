import {execa} from 'execa'
import {mkdirSync} from 'node:fs'
import {mkdtemp, readdir, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {setTimeout} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, inject as provided, it} from 'vitest'
import {inject} from '../support/cli.js'
import {configBomb, slowInputs} from '../support/slow-inputs.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))
const env = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/nonexistent',
  NODE_COMPILE_CACHE: provided('codeCache'),
}

describe('a config made to be slow', () => {
  it.each([
    ['inspect', 0],
    ['list', 0],
    ['update', 11],
  ])(
    '%s answers soon',
    async (command, expected) => {
      const folder = await tempDir()
      const image = configBomb(folder)
      mkdirSync(join(folder, 'tree/cvmfs'), {recursive: true})
      const args = command === 'update' ? [image, join(folder, 'tree')] : [image]
      // took minutes, and an update hours
      const {exitCode, stderr} = await inject([command, ...args], {timeout: 20_000})
      expect(`${exitCode} ${stderr}`).toMatch(new RegExp(`^${expected} `))
    },
    30_000,
  )
})

/** What is left in a folder of what a run put there for itself. */
async function leftIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, {recursive: true})
  return names.filter((name) => /(?:^|\/)\.(?:out\.)?inject-(?!layout)/.test(name))
}

// how long it takes is measured by `npm run bench -- stop`; here the process must end at all, long
// before the work would be done, and leave nothing
describe.each(slowInputs)('the work on %s', (_, prepare) => {
  let folder: string
  let args: readonly string[]
  // some of it takes longer to make than to work on: once for both
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inject-test-'))
    args = prepare(folder)
  })
  afterAll(() => rm(folder, {recursive: true, force: true}))

  it('ends at SIGTERM', async () => {
    for (const after of [300 + Math.random() * 1500]) {
      const child = execa(process.execPath, [program, ...args], {
        reject: false,
        extendEnv: false,
        env,
        timeout: 20_000,
        killSignal: 'SIGKILL',
      })
      await Promise.race([setTimeout(after), child])
      const wasRunning = child.kill('SIGTERM')
      const {exitCode, signal, stderr} = await child
      if (!wasRunning) continue
      // before it listens, the signal itself ends it; and it may be done just then
      expect([143, 0, 6, undefined], stderr).toContain(exitCode)
      expect(signal).not.toBe('SIGKILL')
      expect(await leftIn(folder)).toEqual([])
    }
  }, 90_000)

  it('ends at --timeout', async () => {
    const words = [program, ...args, '--timeout', '1s']
    const {exitCode, stderr, timedOut} = await execa(process.execPath, words, {
      reject: false,
      extendEnv: false,
      env,
      timeout: 20_000,
      killSignal: 'SIGKILL',
    })
    expect(timedOut).toBe(false)
    // the work may be done within the second
    if (exitCode !== 0 && exitCode !== 6) expect(stderr).toMatch(/time/i)
    expect(await leftIn(folder)).toEqual([])
  }, 60_000)
})
