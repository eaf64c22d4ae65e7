import {execa} from 'execa'
import {spawn} from 'node:child_process'
import {
  chmod,
  chown,
  lutimes,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import {join} from 'node:path'
import {describe, expect, it, onTestFinished} from 'vitest'
import {clearDead, isDead, ownedName} from '../../src/disk/owned-name.js'
import {tempDir} from '../support/temp-dir.js'
import {nameOf, nameOfEnded} from './dead-owner.js'

describe('an owned name', () => {
  it('is another one every time, and its owner lives', () => {
    const names = Array.from({length: 100}, () => ownedName('x-'))
    expect(new Set(names).size).toBe(100)
    for (const name of names) {
      expect(name).toMatch(/^x-\d+-\d+-[0-9a-f]{8}-[0-9a-f]{16}$/)
      expect(isDead(name, 'x-')).toBe(false)
    }
  })

  it('of a process that has ended is dead', async () => {
    expect(isDead(await nameOfEnded('x-'), 'x-')).toBe(true)
  })

  it('of a living child is not, until it is killed', async () => {
    const child = spawn('sleep', ['60'])
    onTestFinished(() => void child.kill('SIGKILL'))
    const name = nameOf('', {pid: child.pid!, start: await startOf(child.pid!)})
    expect(isDead(name, '')).toBe(false)
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    expect(isDead(name, '')).toBe(true)
  })

  it.runIf(process.platform === 'linux')('whose pid is another process now is dead', () => {
    expect(isDead(nameOf('', {start: '1'}), '')).toBe(true)
    expect(isDead(nameOf('', {pid: 0}), '')).toBe(true)
  })

  it.runIf(process.platform === 'linux')(
    'of a killed process that nobody has waited for is dead',
    async () => {
      // exec: a sleep that never asks for the end of the child it inherits
      const parent = execa('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60'], {reject: false})
      onTestFinished(async () => {
        parent.kill('SIGKILL')
        await parent
      })
      const line = await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve))
      const pid = Number(line.toString())
      const start = await startOf(pid)
      await expect.poll(() => isDead(nameOf('', {pid, start}), '')).toBe(true)
      // it is in the table still
      expect(await startOf(pid)).toBe(start)
    },
  )

  it('of another machine is dead when it was idle for a day', () => {
    const name = nameOf('', {pid: 1, place: '00000000'})
    expect(isDead(name, '')).toBe(false)
    expect(isDead(name, '', 3_600_000)).toBe(false)
    expect(isDead(name, '', 90_000_000)).toBe(true)
    // while our own processes may be as slow as they like
    expect(isDead(ownedName(''), '', 90_000_000)).toBe(false)
  })

  it.each(['', 'x-', 'x-1', 'x-1-2-3', 'x-a-b-c-d', 'other', 'x--1-1-00000000-0000000000000000'])(
    'is not what %j is: nobody calls that dead',
    (name) => {
      expect(isDead(name, 'x-', 90_000_000)).toBe(false)
    },
  )
})

describe('clearing', () => {
  it('removes what the dead left, files and trees, and nothing else', async () => {
    const folder = await tempDir()
    const [file, tree] = [await nameOfEnded('.tmp-'), await nameOfEnded('.tmp-')]
    const kept = [ownedName('.tmp-'), await nameOfEnded('.other-'), '.tmp-', '.tmp-x', 'index.json']
    await mkdir(join(folder, tree, 'a/b'), {recursive: true})
    await writeFile(join(folder, tree, 'a/b/file'), 'x')
    for (const name of [file, ...kept]) await writeFile(join(folder, name), 'x')
    expect((await clearDead(folder, '.tmp-')).toSorted()).toEqual([file, tree].toSorted())
    expect((await readdir(folder)).toSorted()).toEqual(kept.toSorted())
    expect(await clearDead(folder, '.tmp-')).toEqual([])
  })

  it('takes a link for what it is', async () => {
    const folder = await tempDir()
    await mkdir(join(folder, 'precious'))
    await writeFile(join(folder, 'precious/file'), 'x')
    await symlink('precious', join(folder, await nameOfEnded('.tmp-')))
    expect(await clearDead(folder, '.tmp-')).toHaveLength(1)
    expect(await readdir(join(folder, 'precious'))).toEqual(['file'])
  })

  it('removes what was left by another machine a day ago', async () => {
    const folder = await tempDir()
    const [recent, old, link] = [1, 2, 3].map((pid) => nameOf('.tmp-', {pid, place: '00000000'}))
    await writeFile(join(folder, recent!), 'x')
    await writeFile(join(folder, old!), 'x')
    await symlink('nowhere', join(folder, link!))
    const yesterday = new Date(Date.now() - 90_000_000)
    await utimes(join(folder, old!), yesterday, yesterday)
    await lutimes(join(folder, link!), yesterday, yesterday)
    expect((await clearDead(folder, '.tmp-')).toSorted()).toEqual([old, link].toSorted())
    expect(await stat(join(folder, recent!))).toBeDefined()
  })

  it.runIf(process.getuid?.() === 0)('leaves what another user left, or may write to', async () => {
    const folder = await tempDir()
    const theirs = join(folder, await nameOfEnded('.tmp-'))
    const open = join(folder, await nameOfEnded('.tmp-'))
    for (const path of [theirs, open]) await mkdir(path)
    await chown(theirs, 65_534, 65_534)
    await chmod(open, 0o777)
    expect(await clearDead(folder, '.tmp-')).toEqual([])
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('finds nothing in a folder that is not there', async () => {
    expect(await clearDead(join(await tempDir(), 'none'), '.tmp-')).toEqual([])
  })
})

/**
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html field 22; elsewhere nothing compares
 * it.
 */
async function startOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return '0'
  const text = await readFile(`/proc/${pid}/stat`, 'latin1')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19]!
}
