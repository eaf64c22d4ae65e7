import {expect, it} from 'vitest'
import {mapAhead} from '../../src/stream/map-ahead.js'

const tick = () => new Promise((resolve) => setImmediate(resolve))

it('keeps the order and the width', async () => {
  let running = 0
  let most = 0
  const work = async (value: number) => {
    most = Math.max(most, ++running)
    for (let ticks = value % 5; ticks >= 0; ticks--) await tick()
    running--
    return value * 2
  }
  const values = Array.from({length: 40}, (_, index) => index)
  const results = []
  for await (const result of mapAhead(values, work, 4)) results.push(result)
  expect(results).toEqual(values.map((value) => value * 2))
  expect(most).toBe(4)
})

it('ends with the first failure, when nothing runs any more', async () => {
  let running = 0
  const work = async (value: number) => {
    running++
    await tick()
    running--
    if (value >= 2) throw new Error(`no ${value}`)
    return value
  }
  const seen: number[] = []
  const all = (async () => {
    for await (const value of mapAhead([0, 1, 2, 3, 4, 5], work, 3)) seen.push(value)
  })()
  await expect(all).rejects.toThrow('no 2')
  expect([seen, running]).toEqual([[0, 1], 0])
})

it('waits for what runs when nobody wants more', async () => {
  let running = 0
  const work = async () => {
    running++
    await tick()
    running--
  }
  const results = mapAhead([1, 2, 3, 4], work, 3)
  await results.next()
  await results.return()
  expect(running).toBe(0)
})

it('begins no other when one has failed, and tells those under way', async () => {
  const begun: number[] = []
  const told: unknown[] = []
  let endFirst = () => {}
  const first = new Promise<void>((resolve) => (endFirst = resolve))
  const work = async (value: number, {signal}: {readonly signal: AbortSignal}) => {
    begun.push(value)
    if (value === 0) await first
    await tick()
    if (value === 1) throw new Error('no 1')
    if (value === 2) signal.addEventListener('abort', () => told.push(value))
  }
  const results = mapAhead([0, 1, 2, 3, 4], work, 3)
  const next = results.next()
  for (let ticks = 0; ticks < 5; ticks++) await tick()
  expect([begun, told]).toEqual([[0, 1, 2], []])
  endFirst()
  await next
  await expect(results.next()).rejects.toThrow('no 1')
  expect([begun, told]).toEqual([[0, 1, 2], [2]])
})

it.each(['later', 'at once'])(
  'throws the lowest failure, of the source last (%s)',
  async (when) => {
    const source = function* () {
      yield 0
      throw new Error('no more')
    }
    const work = async () => {
      if (when === 'later') for (let ticks = 0; ticks < 5; ticks++) await tick()
      throw new Error('no 0')
    }
    await expect(mapAhead(source(), work, 3).next()).rejects.toThrow('no 0')
    const all = mapAhead(source(), () => Promise.resolve(), 3)
    await all.next()
    await expect(all.next()).rejects.toThrow('no more')
  },
)
