import {lutimes, readdir, readFile, symlink, unlink, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {execaSync} from 'execa'
import {describe, expect, it, onTestFinished} from 'vitest'
import {acquireLock, type HeldLock, type LockOptions} from '../../src/disk/lock.js'
import {ownedName} from '../../src/disk/owned-name.js'
import {bundleProgram} from '../support/bundle-program.js'
import {tempDir} from '../support/temp-dir.js'
import {nameOf} from './dead-owner.js'
import {type FakeTiming, fakeTiming} from './fake-timing.js'
import {writeLock} from './lock-content.js'
import {runScript, runScriptIn} from './run-script.js'

const user = await bundleProgram(new URL('lock-user.ts', import.meta.url))
const elsewhere = (): string => nameOf('', {pid: 1, place: '00000000'})

/** A waiter, and what has become of it. */
function ask(lock: string, timing: FakeTiming, options: LockOptions = {}) {
  const asked = acquireLock(lock, {timing, timeoutMs: 300_000, ...options})
  const waiter = {asked, has: false, failed: undefined as unknown}
  asked.then(
    (held) => {
      waiter.has = true
      onTestFinished(() => held.release())
    },
    (error: unknown) => (waiter.failed = error),
  )
  return waiter
}

/** A lock that the test need not release. */
async function acquired(lock: string, options: LockOptions): Promise<HeldLock> {
  const held = await acquireLock(lock, options)
  onTestFinished(() => held.release())
  return held
}

/** Shows a sign of life of a holder elsewhere, as often as such a one does, while time passes. */
async function beatFor(
  lock: string,
  timing: FakeTiming,
  {seconds, clock}: {readonly seconds: number; readonly clock: () => number},
): Promise<void> {
  for (let second = 0; second < seconds; second += 5) {
    await utimes(lock, clock() / 1000, clock() / 1000)
    await timing.pass(5000)
  }
}

describe('a lock whose holder cannot be asked', () => {
  it.each<[string, (lock: string) => Promise<void>]>([
    ['of another machine, boot or container', (lock) => writeLock(lock, elsewhere())],
    [
      'whose time is in the future',
      async (lock) => {
        await writeLock(lock, elsewhere())
        await utimes(lock, 4e9, 4e9)
      },
    ],
    ['that a power failure left empty', (lock) => writeFile(lock, '')],
    ['of zeros', (lock) => writeFile(lock, Buffer.alloc(200))],
    ['that says something else', (lock) => writeFile(lock, 'who knows')],
    [
      'of the form before, a link',
      async (lock) => {
        await symlink(elsewhere(), lock)
        await lutimes(lock, 1, 1)
      },
    ],
  ])('%s is taken within 45 s, and not before a lease is over (A5)', async (_, make) => {
    const folder = await tempDir()
    const [lock, timing] = [join(folder, 'lock'), fakeTiming()]
    await make(lock)
    const words: string[] = []
    // as long as a push waits for a lock
    const waiter = ask(lock, timing, {
      timeoutMs: 30_000,
      onUnsure: (holder) => words.push(holder),
    })
    await timing.pass(29_000)
    expect(waiter).toMatchObject({has: false, failed: undefined})
    await timing.pass(16_000)
    expect(waiter.has).toBe(true)
    expect(words).toHaveLength(1)
    await (await waiter.asked).release()
    expect(await readdir(folder)).toEqual([])
  })

  it.each<[string, (time: number, beat: number) => number]>([
    ['with a sound clock', (time) => time],
    ['whose clock is a day ahead', (time) => time + 86_400_000],
    ['whose clock is years behind', (time) => time - 1e11],
    ['whose clock is set back and forth', (time, beat) => time + (beat % 2 ? 1e9 : -1e9)],
    ['whose clock stands nearly still', (_, beat) => 1e12 + beat],
  ])('and that lives, %s, keeps it (A5)', async (_, clock) => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    const owner = elsewhere()
    await writeLock(lock, owner)
    const waiter = ask(lock, timing)
    let beat = 0
    await beatFor(lock, timing, {seconds: 70, clock: () => clock(timing.wall(), ++beat)})
    expect(waiter).toMatchObject({has: false, failed: undefined})
    expect(await readFile(lock, 'utf8')).toContain(owner)
    await unlink(lock)
    await timing.pass(1000)
    expect(waiter.has).toBe(true)
  })

  it('and that lives is told of as soon as it shows that, to who does not wait for it', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    await writeLock(lock, elsewhere())
    const waiter = ask(lock, timing, {timeoutMs: 0})
    await beatFor(lock, timing, {seconds: 10, clock: timing.wall})
    await expect(waiter.asked).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCKED',
      message: expect.stringContaining(
        'process 1 on "elsewhere" (since 2026-01-02T03:04:05Z) holds the lock',
      ) as string,
    })
  })

  it('is not waited for by who trusts it', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    await writeLock(lock, elsewhere())
    const asked = acquireLock(lock, {timing, timeoutMs: 0, trusting: true})
    await expect(asked).rejects.toMatchObject({code: 'ERR_INJECT_LOCKED'})
  })

  it('counts what a waiter saw who gave up, for the next one', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    await writeLock(lock, elsewhere())
    for (let round = 0; round < 3; round++) {
      const abort = new AbortController()
      const waiter = ask(lock, timing, {signal: abort.signal})
      await timing.pass(8000)
      abort.abort(new Error('the client is gone'))
      await timing.pass(200)
      await expect.poll(() => waiter.failed).toBeDefined()
    }
    const last = ask(lock, timing)
    await timing.pass(10_000)
    expect(last.has).toBe(true)
  })

  it('is not held for dead because the waiter stood still: all of the machine may have', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    await writeLock(lock, elsewhere())
    const waiter = ask(lock, timing)
    await timing.pass(10_000)
    timing.stop(3_600_000)
    await timing.pass(10_000)
    expect(waiter.has).toBe(false)
    await timing.pass(25_000)
    expect(waiter.has).toBe(true)
  })

  it('goes to one of two who wait at once', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    await writeLock(lock, elsewhere())
    const waiters = [ask(lock, timing), ask(lock, timing), ask(lock, timing)]
    await timing.pass(100_000)
    expect(waiters.filter(({has}) => has)).toHaveLength(1)
  })
})

describe('a holder', () => {
  it('that works is not displaced, whatever the time of day does', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    const held = await acquired(lock, {timing})
    const waiter = ask(lock, timing)
    await timing.pass(20_000)
    timing.jump(86_400_000)
    await timing.pass(20_000)
    timing.jump(-300_000_000)
    await timing.pass(40_000)
    const confirmed = held.confirm()
    await timing.pass(1000)
    await confirmed
    expect(waiter.has).toBe(false)
    expect(held.signal.aborted).toBe(false)
    await held.release()
    await timing.pass(1000)
    expect(waiter.has).toBe(true)
  })

  it('that was stopped for a lease finds that it lost the lock, before it writes on', async () => {
    const lock = join(await tempDir(), 'lock')
    const [mine, theirs] = [fakeTiming(), fakeTiming()]
    const held = await acquired(lock, {timing: mine})
    const waiter = ask(lock, theirs)
    await theirs.pass(45_000)
    expect(waiter.has).toBe(true)
    const now = await readFile(lock, 'utf8')
    mine.stop(45_000)
    await expect(held.confirm()).rejects.toMatchObject({
      code: 'ERR_INJECT_LOCK_LOST',
      message: expect.stringContaining(`process ${process.pid} on`) as string,
    })
    expect(held.signal.aborted).toBe(true)
    await held.release()
    expect(await readFile(lock, 'utf8')).toBe(now)
    await (await waiter.asked).confirm()
  })

  it('that lost the lock is told by its next beat, without asking', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    const held = await acquired(lock, {timing})
    const next = await acquired(lock, {timing, takeOver: true})
    await timing.pass(6000)
    await expect.poll(() => held.signal.aborted).toBe(true)
    expect(next.signal.aborted).toBe(false)
  })

  it('that was stopped while nobody asked goes on, with a sign of life first', async () => {
    const lock = join(await tempDir(), 'lock')
    const [mine, theirs] = [fakeTiming(), fakeTiming()]
    const held = await acquired(lock, {timing: mine})
    const waiter = ask(lock, theirs)
    await theirs.pass(28_000)
    mine.stop(28_000)
    const confirmed = held.confirm()
    await mine.pass(500)
    await confirmed
    await theirs.pass(20_000)
    expect(waiter.has).toBe(false)
  })

  it('whose machine slept, as its time of day says, asks before it goes on', async () => {
    const [lock, timing] = [join(await tempDir(), 'lock'), fakeTiming()]
    const held = await acquired(lock, {timing})
    timing.jump(60_000)
    let isConfirmed = false
    const confirmed = held.confirm().then(() => (isConfirmed = true))
    await timing.pass(100)
    expect(isConfirmed).toBe(false)
    await timing.pass(300)
    await confirmed
  })

  it('of this process is taken for alive, and --take-over takes the lock at once', async () => {
    const folder = await tempDir()
    const [lock, timing] = [join(folder, 'lock'), fakeTiming()]
    await writeLock(lock, ownedName(''))
    const asked = acquireLock(lock, {timing, timeoutMs: 0})
    await expect(asked).rejects.toMatchObject({code: 'ERR_INJECT_LOCKED'})
    const taken = await acquired(lock, {timing, timeoutMs: 0, takeOver: true})
    await taken.release()
    expect(await readdir(folder)).toEqual([])
  })
})

const mayUnshare =
  execaSync('unshare', ['-pf', '--uts', '--mount-proc', 'true'], {reject: false}).exitCode === 0
const words = mayUnshare ? '' : ' (left out: this user may not unshare)'

describe('real processes, with a lease of 4 s', () => {
  it.runIf(mayUnshare)(
    `a holder killed in a container with a host name of its own is gone after the lease (A5)${words}`,
    async () => {
      const lock = join(await tempDir(), 'lock')
      const script = 'hostname some-container; exec "$@"'
      const container = ['unshare', '-pf', '--kill-child', '--uts', '--mount-proc']
      const holder = runScriptIn(
        [...container, 'sh', '-c', script, 'sh'],
        user,
        'hold',
        lock,
        '4000',
      )
      await holder.next()
      const next = runScript(user, 'hold', lock, '4000')
      let isTaken = false
      const taken = next.next().then(() => (isTaken = true))
      // longer than a lease: it lives
      await new Promise((resolve) => setTimeout(resolve, 6000))
      expect(isTaken).toBe(false)
      expect(await readFile(lock, 'utf8')).toContain('"host":"some-container"')
      await holder.kill()
      await taken
    },
  )

  it('a holder that gets SIGSTOP loses the lock, and finds out when it goes on (A5)', async () => {
    const lock = join(await tempDir(), 'lock')
    const holder = runScript(user, 'confirm', lock, '4000')
    expect(await holder.next()).toBe('held')
    holder.child.kill('SIGSTOP')
    const next = runScript(user, 'hold', lock, '4000')
    await next.next()
    const said = holder.next()
    holder.child.kill('SIGCONT')
    expect(await said).toBe('ERR_INJECT_LOCK_LOST')
    await holder.ended
    expect(await readFile(lock, 'utf8')).toContain(`"pid":${next.child.pid!}`)
  })
})
