import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {describe, expect, it} from 'vitest'
import {createWorkerPool} from '../../src/stream/worker-pool.js'
import {tempDir} from '../support/temp-dir.js'

interface Job {
  readonly say?: string
  readonly fail?: string
  readonly die?: boolean
  readonly hang?: boolean
  readonly exit?: boolean
  readonly later?: boolean
}

/** A pool of threads that do what they are told; each answer has the thread's number. */
async function start(size: number) {
  const script = join(await tempDir(), 'worker.mjs')
  writeFileSync(
    script,
    `import {parentPort, threadId} from 'node:worker_threads'
parentPort.on('message', ({id, say, fail, die, hang, exit, later}) => {
  if (exit) process.exit(0)
  if (later) setTimeout(() => process.exit(3), 1)
  if (die) throw new Error('dead')
  if (hang) return
  if (fail) parentPort.postMessage({id, error: {message: fail, code: 'EFAIL'}})
  else parentPort.postMessage({id, result: {said: say, threadId}})
})`,
  )
  return createWorkerPool<Job, {said: string; threadId: number}>(pathToFileURL(script), size)
}

describe('createWorkerPool', () => {
  it('gives each job its own answer, from as many threads as it has', async () => {
    const pool = await start(3)
    const words = Array.from({length: 20}, (_, number) => `word ${number}`)
    const answers = await Promise.all(words.map((say) => pool.run({say})))
    expect(answers.map(({said}) => said)).toEqual(words)
    expect(new Set(answers.map(({threadId}) => threadId)).size).toBe(3)
    await pool.close()
  })

  it('fails one job, and goes on', async () => {
    const pool = await start(1)
    await expect(pool.run({fail: 'no such thing'})).rejects.toMatchObject({
      message: 'no such thing',
      code: 'EFAIL',
    })
    expect(await pool.run({say: 'again'})).toMatchObject({said: 'again'})
    await pool.close()
  })

  it('fails the jobs of a thread that dies, and those of no other', async () => {
    const pool = await start(2)
    const [hanging, dying, well] = [
      pool.run({hang: true}),
      pool.run({die: true}),
      pool.run({say: 'well'}),
    ]
    const behind = pool.run({hang: true})
    await expect(dying).rejects.toThrow('dead')
    await expect(behind).rejects.toThrow('dead')
    expect(await well).toMatchObject({said: 'well'})
    await pool.close()
    await expect(hanging).rejects.toMatchObject({code: 'ERR_WORKER_ENDED'})
  })

  it.each([
    ['throws', {die: true}],
    ['exits', {exit: true}],
  ])('replaces a thread that %s in a job, also with a job behind it', async (_, death) => {
    const pool = await start(1)
    const before = await pool.run({say: 'before'})
    const results = await Promise.allSettled([pool.run(death), pool.run({hang: true})])
    expect(results.map(({status}) => status)).toEqual(['rejected', 'rejected'])
    const after = await pool.run({say: 'after'})
    expect(after.said).toBe('after')
    expect(after.threadId).not.toBe(before.threadId)
    await pool.close()
  })

  it('replaces a thread that ended between two jobs', async () => {
    const pool = await start(1)
    await pool.run({say: 'one', later: true})
    for (;;) {
      // a job that comes while the thread is ending fails, and settles all the same
      const [result] = await Promise.allSettled([pool.run({say: 'two'})])
      if (result.status === 'rejected') {
        expect(result.reason).toMatchObject({code: 'ERR_WORKER_ENDED'})
        break
      }
    }
    expect(await pool.run({say: 'three'})).toMatchObject({said: 'three'})
    await pool.close()
  })

  it('settles every job of threads that die as they start, and starts the next when it can', async () => {
    const script = join(await tempDir(), 'worker.mjs')
    const pool = createWorkerPool<Job, {said: string}>(pathToFileURL(script), 1)
    await expect(pool.run({say: 'x'})).rejects.toThrow('Cannot find module')
    writeFileSync(script, 'process.exit(4)')
    await expect(pool.run({say: 'x'})).rejects.toMatchObject({code: 'ERR_WORKER_ENDED'})
    writeFileSync(
      script,
      `import {parentPort} from 'node:worker_threads'
parentPort.on('message', ({id, say}) => parentPort.postMessage({id, result: {said: say}}))`,
    )
    expect(await pool.run({say: 'now'})).toEqual({said: 'now'})
    await pool.close()
    await expect(pool.run({say: 'late'})).rejects.toMatchObject({code: 'ERR_WORKER_ENDED'})
  })

  it('forgets a job that cannot be given to a thread', async () => {
    const pool = await start(1)
    await expect(pool.run({say: (() => 1) as unknown as string})).rejects.toThrow('cloned')
    expect(await pool.run({say: 'on'})).toMatchObject({said: 'on'})
    await pool.close()
  })

  it('lets a job go when it is aborted, before and after it was given to a thread', async () => {
    const pool = await start(1)
    await expect(
      pool.run({say: 'x'}, {signal: AbortSignal.abort(new Error('now'))}),
    ).rejects.toThrow('now')
    const controller = new AbortController()
    const hanging = pool.run({hang: true}, {signal: controller.signal})
    controller.abort(new Error('enough'))
    await expect(hanging).rejects.toThrow('enough')
    expect(await pool.run({say: 'on'}, {signal: new AbortController().signal})).toMatchObject({
      said: 'on',
    })
    await pool.close()
  })

  it('needs a thread', () => {
    expect(() => createWorkerPool(new URL('file:///none'), 0)).toThrow(RangeError)
  })
})
