import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'
import {hostname} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {execa} from 'execa'
import {describe, expect, it} from 'vitest'
import {readLock} from '../../src/disk/lock-file.js'
import {withLock} from '../../src/disk/lock.js'
import {ownedName} from '../../src/disk/owned-name.js'
import {bundleProgram} from '../support/bundle-program.js'
import {tempDir} from '../support/temp-dir.js'
import {nameOfEnded} from './dead-owner.js'
import {writeLock} from './lock-content.js'
import {runScript} from './run-script.js'

const user = await bundleProgram(new URL('lock-user.ts', import.meta.url))

/** Runs `count` holders at once and gives the most that were inside together. */
async function crowd(lock: string, count: number): Promise<number> {
  let [inside, most] = [0, 0]
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside)
    await sleep(1)
    inside--
  }
  await Promise.all(Array.from({length: count}, () => withLock(lock, work)))
  return most
}

describe('a lock', () => {
  it('lets one in at a time, and is gone afterwards', async () => {
    const folder = await tempDir()
    expect(await crowd(join(folder, 'lock'), 20)).toBe(1)
    expect(await readdir(folder)).toEqual([])
  })

  it('gives what the work gives, and is released when that fails', async () => {
    const folder = await tempDir()
    const lock = join(folder, 'lock')
    expect(await withLock(lock, () => Promise.resolve(7))).toBe(7)
    const failure = new Error('broken')
    await expect(withLock(lock, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(await readdir(folder)).toEqual([])
  })

  it.each([
    ['a FIFO', (path: string) => execa('mkfifo', [path])],
    ['a folder', (path: string) => mkdir(path)],
  ])('in whose place %s is fails at once', async (_, make) => {
    const lock = join(await tempDir(), 'lock')
    await make(lock)
    await expect(withLock(lock, () => Promise.resolve())).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCKED',
      message: `${JSON.stringify(lock)} is in place of a lock, and is not a file`,
    })
  })

  it('keeps processes apart', async () => {
    const folder = await tempDir()
    const [lock, file] = [join(folder, 'lock'), join(folder, 'number')]
    await writeFile(file, '0')
    const users = Array.from({length: 6}, () => runScript(user, 'count', lock, file, '20'))
    expect(await Promise.all(users.map(({ended}) => ended))).toEqual(users.map(() => 0))
    expect(await readFile(file, 'utf8')).toBe('120')
    expect(await readdir(folder)).toEqual(['number'])
  })

  it('names the living process that keeps it', async () => {
    const lock = join(await tempDir(), 'lock')
    const holder = runScript(user, 'hold', lock)
    await holder.next()
    let worked = false
    const wait = withLock(lock, () => Promise.resolve((worked = true)), {timeoutMs: 100})
    await expect(wait).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_LOCKED',
      message: expect.stringMatching(
        new RegExp(
          `^process ${holder.child.pid!} on ${JSON.stringify(hostname())} \\(since 20\\S+Z\\) holds the lock ${JSON.stringify(lock)}`,
        ),
      ) as string,
    })
    expect(worked).toBe(false)
    expect(await readFile(lock, 'utf8')).toContain(`"pid":${holder.child.pid!}`)
  })

  it('I12 of a killed process is taken over, once that is dead', async () => {
    const folder = await tempDir()
    const lock = join(folder, 'lock')
    const holder = runScript(user, 'hold', lock)
    await holder.next()
    const waiting = withLock(lock, () => Promise.resolve('mine'))
    await holder.kill()
    expect(await waiting).toBe('mine')
    expect(await readdir(folder)).toEqual([])
  })

  it('I12 of a dead process goes to one of all who find it', async () => {
    const folder = await tempDir()
    const lock = join(folder, 'lock')
    for (let round = 0; round < 20; round++) {
      await writeLock(lock, await nameOfEnded(''))
      expect(await crowd(lock, 8)).toBe(1)
    }
    expect(await readdir(folder)).toEqual([])
  })

  it('I12 lets one in at a time while holders and breakers are killed', async () => {
    const folder = await tempDir()
    const [lock, file] = [join(folder, 'lock'), join(folder, 'inside')]
    const said: string[] = []
    const start = () => {
      const guard = runScript(user, 'guard', lock, file)
      guard.lines.on('line', (line) => said.push(line))
      return guard
    }
    const guards = [start(), start(), start()]
    for (let round = 0; round < 12; round++) {
      const guard = guards.shift()!
      await guard.next()
      await sleep(round * 2)
      await guard.kill()
      guards.push(start())
    }
    for (const guard of guards) await guard.next()
    await Promise.all(guards.map((guard) => guard.kill()))
    expect(said).toContain('.')
    expect(said).not.toContain('two')
    expect(await withLock(lock, () => Promise.resolve('free'))).toBe('free')
    expect(await readdir(folder)).toEqual(['inside'])
  }, 120_000)

  it('is rid of what killed breakers and claimants left', async () => {
    const folder = await tempDir()
    const lock = join(folder, 'lock')
    await writeLock(lock, await nameOfEnded(''))
    const {holding} = readLock(lock)!
    await writeLock(`${lock}.${holding}`, await nameOfEnded(''))
    await writeLock(`${lock}.0123456789abcdef`, await nameOfEnded(''))
    await writeLock(join(folder, await nameOfEnded('lock.')), await nameOfEnded(''))
    await writeFile(join(folder, 'lock.txt'), 'not ours')
    expect(await withLock(lock, () => Promise.resolve('mine'))).toBe('mine')
    expect(await readdir(folder)).toEqual(['lock.txt'])
  })

  it('ends the wait with the reason of an abort', async () => {
    const lock = join(await tempDir(), 'lock')
    await writeLock(lock, ownedName(''))
    const abort = new AbortController()
    const wait = withLock(lock, () => Promise.resolve(), {signal: abort.signal})
    const reason = new Error('stopped')
    setTimeout(() => abort.abort(reason), 30)
    await expect(wait).rejects.toBe(reason)
    const before = AbortSignal.abort(reason)
    await expect(withLock(lock, () => Promise.resolve(), {signal: before})).rejects.toBe(reason)
  })

  it('says why it cannot be had at all', async () => {
    const folder = await tempDir()
    await expect(
      withLock(join(folder, 'none/lock'), () => Promise.resolve()),
    ).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCAL_IO',
      message: expect.stringContaining('ENOENT') as string,
    })
  })
})
