import {describe, expect, it} from 'vitest'
import {createKeyedLimiter, createLimiter} from '../../src/stream/limiter.js'

/** A task that ends when it is told to. */
const task = () => {
  let resolve: (value: string) => void = () => {}
  let reject: (error: Error) => void = () => {}
  const promise = new Promise<string>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  let isRunning = false
  return {
    resolve,
    reject,
    isRunning: () => isRunning,
    run: () => {
      isRunning = true
      return promise
    },
  }
}
/** Everything that can happen now has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a limiter', () => {
  it('runs so many tasks at once, and the others in their order', async () => {
    const limiter = createLimiter(2)
    const tasks = [task(), task(), task(), task()]
    const results = tasks.map(({run}) => limiter.run(run))
    const running = () => tasks.map((each) => each.isRunning())
    await settled()
    expect(running()).toEqual([true, true, false, false])
    tasks[1]?.resolve('second')
    await settled()
    expect(running()).toEqual([true, true, true, false])
    tasks[0]?.resolve('first')
    await settled()
    expect(running()).toEqual([true, true, true, true])
    tasks[2]?.resolve('third')
    tasks[3]?.resolve('fourth')
    expect(await Promise.all(results)).toEqual(['first', 'second', 'third', 'fourth'])
  })

  it('gives on the place of a task that fails', async () => {
    const limiter = createLimiter(1)
    const failing = task()
    const first = limiter.run(failing.run)
    const second = limiter.run(() => Promise.resolve('done'))
    failing.reject(new Error('failed'))
    await expect(first).rejects.toThrow('failed')
    expect(await second).toBe('done')
  })

  it('forgets a caller that is told to stop, and keeps its place for the next one', async () => {
    const limiter = createLimiter(1)
    const leave = await limiter.enter()
    const stop = new AbortController()
    const impatient = limiter.enter(stop.signal)
    const patient = limiter.enter()
    stop.abort(new Error('enough'))
    await expect(impatient).rejects.toThrow('enough')
    leave()
    expect(await patient).toEqual(expect.any(Function))
  })

  it('loses no place when a caller is told to stop just as its turn comes', async () => {
    const limiter = createLimiter(1)
    const leave = await limiter.enter()
    const stop = new AbortController()
    const late = limiter.enter(stop.signal)
    const behind = limiter.enter()
    await settled()
    stop.abort(new Error('enough'))
    leave()
    await expect(late).rejects.toThrow('enough')
    expect(await behind).toEqual(expect.any(Function))
  })
})

describe('a limiter for each key', () => {
  it('keeps callers of one key apart, and lets those of others through', async () => {
    const limiter = createKeyedLimiter(1)
    const [first, second, other] = [task(), task(), task()]
    const all = [
      limiter.run('a', first.run),
      limiter.run('a', second.run),
      limiter.run('b', other.run),
    ]
    await settled()
    expect([first, second, other].map((each) => each.isRunning())).toEqual([true, false, true])
    first.resolve('')
    await settled()
    expect(second.isRunning()).toBe(true)
    for (const each of [second, other]) each.resolve('')
    await Promise.all(all)
  })
})
