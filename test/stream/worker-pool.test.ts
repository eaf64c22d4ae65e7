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
}

/** A pool of threads that do what they are told; each answer has the thread's number. */
async function start(size: number) {
  const script = join(await tempDir(), 'worker.mjs')
  writeFileSync(
    script,
    `import {parentPort, threadId} from 'node:worker_threads'
parentPort.on('message', ({id, say, fail, die, hang}) => {
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

  it('fails all that wait when a thread dies', async () => {
    const pool = await start(2)
    const waiting = [pool.run({hang: true}), pool.run({die: true}), pool.run({hang: true})]
    for (const result of await Promise.allSettled(waiting))
      expect(result).toMatchObject({status: 'rejected', reason: {message: 'dead'}})
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
