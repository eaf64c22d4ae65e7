import {execa} from 'execa'
import {mkdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {openRepositoryRoot} from '../../src/store/served/open-root.js'
import {lockTiming} from '../../src/disk/lock-timing.js'
import {nameOf} from '../disk/dead-owner.js'
import {writeLock} from '../disk/lock-content.js'
import {fileURLToPath} from 'node:url'
import {serveCommand} from '../support/serve-command.js'
import {tempDir} from '../support/temp-dir.js'

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url))

it('serve says who serves a folder, and takes it from them with --take-over; they end with 9 (A5)', async () => {
  const root = join(await tempDir(), 'root')
  const first = await serveCommand(root)
  const ended = new Promise((resolve) => first.child.once('exit', resolve))
  const second = await execa(
    process.execPath,
    [program, 'serve', root, '--listen', '127.0.0.1:0'],
    {reject: false, env: {NODE_DISABLE_COMPILE_CACHE: '1'}},
  )
  expect(second).toMatchObject({exitCode: 9})
  for (const word of [`process ${first.child.pid!} on`, '(since 20', 'serve.lock', '--take-over'])
    expect(second.stderr).toContain(word)
  const third = await serveCommand(root, ['--take-over'])
  expect(await ended).toBe(9)
  expect(first.log()).toContain('was lost to process')
  expect(await third.end()).toBe(0)
})

it('serve takes the folder that a process of another boot left, without waiting with --take-over (A5)', async () => {
  const root = join(await tempDir(), 'root')
  const lock = join(root, '.inject-root', 'serve.lock')
  await mkdir(join(root, '.inject-root'), {recursive: true})
  await writeLock(lock, nameOf('', {place: '00000000'}))
  const words: string[] = []
  const timing = {...lockTiming, leaseMs: 2000, beatMs: 300}
  const opened = await openRepositoryRoot(root, {timing, onUnsure: (holder) => words.push(holder)})
  expect(words).toEqual([expect.stringContaining('on "elsewhere"')])
  await opened.close()
  await writeLock(lock, nameOf('', {place: '00000000'}))
  const served = await serveCommand(root, ['--take-over'])
  expect(await readFile(lock, 'utf8')).toContain(`"pid":${served.child.pid!}`)
  expect(await served.end()).toBe(0)
})

it('a root that another process took takes no writes any more (A5)', async () => {
  const root = join(await tempDir(), 'root')
  const first = await openRepositoryRoot(root, {create: true})
  const repository = await first.createRepository('app')
  const second = await openRepositoryRoot(root, {takeOver: true})
  const put = repository.putManifest(Buffer.from('{}'), 'application/json', {tags: []})
  await expect(put).rejects.toMatchObject({code: 'ERR_INJECT_LOCK_LOST'})
  await expect(repository.startUpload()).rejects.toMatchObject({code: 'ERR_INJECT_LOCK_LOST'})
  await expect(first.createRepository('b')).rejects.toMatchObject({code: 'ERR_INJECT_LOCK_LOST'})
  expect(first.lost?.aborted).toBe(true)
  await first.close()
  expect(await second.createRepository('b')).toBeDefined()
  await second.close()
})
