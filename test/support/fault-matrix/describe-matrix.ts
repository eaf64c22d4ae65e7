import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {makeContent} from './content.js'
import {type Fault, faults} from './faults.js'
import {type Kind, type KindId, makeKinds} from './kinds.js'
import {outcomeOf} from './outcomes.js'
import {type Observation, runCell} from './run-cell.js'

/**
 * Where the connection itself is at fault, so are the questions that are asked in between: twice as
 * many meet it.
 */
const mostRequests = 6
const mostConnections = 12
/**
 * Seconds that a run waits for a fault of any kind before it gives up or gets on, all waits taken
 * together.
 */
const longestWait = 30

/**
 * Every fault that these kinds of requests can meet, once, five times and always; see
 * docs/faults.md.
 */
export async function describeMatrix(ids: readonly KindId[]): Promise<void> {
  const content = await makeContent()
  const kinds = makeKinds((path) => path.endsWith(content.configDigest))
  const chosen = kinds.filter(({id}) => ids.includes(id))
  const unhandled: unknown[] = []
  const note = (reason: unknown): void => void unhandled.push(reason)
  let atFirst = 0

  beforeAll(() => {
    process.on('unhandledRejection', note)
    atFirst = active()
  })
  afterAll(async () => {
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    // whatever keeps a process from ending by itself
    for (let tries = 0; active() > atFirst && tries < 250; tries++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(active()).toBeLessThanOrEqual(atFirst)
  })

  describe.concurrent.each(named(chosen))('%s', (_, kind) => {
    let before: Promise<number> | undefined
    /** How many requests come before the first one of the kind, when nothing is wrong. */
    const runClean = async (): Promise<number> => {
      const run = await runCell(kind, undefined, {times: 0, before: 0, content})
      expect(run).toMatchObject({exit: 0, line: '', problems: []})
      return run.requests.findIndex(kind.isIt)
    }

    const met = faults.filter(({only}) => only?.kinds.includes(kind.id) ?? true)
    it.each(named(met))('%s', async (_, fault) => {
      const cell = {before: await (before ??= runClean()), content}
      const always = await runCell(kind, fault, {...cell, times: Infinity})
      // a redirect to itself is met on every hop, and counted once
      const isHopping = always.requests.some(({query}) => query.has('hop'))
      // where no request comes after the last one that met it, the fault might as well be over
      const runs = [1, 5].map((times) =>
        times < always.faults || isHopping
          ? runCell(kind, fault, {...cell, times})
          : Promise.resolve(always),
      )
      expectOutcome(kind, fault, [...(await Promise.all(runs)), always])
    })
  })
}

/**
 * The same faults where layer and config go beside each other: whichever meets the fault, nothing
 * is lost, shown or left, and no run hangs.
 */
export async function describeOverlapped(ids: readonly KindId[]): Promise<void> {
  const content = await makeContent()
  const kinds = makeKinds((path) => path.endsWith(content.configDigest))
  const chosen = kinds.filter(({id}) => ids.includes(id))

  describe.concurrent.each(named(chosen))('%s', (_, kind) => {
    const met = faults.filter(({only}) => only?.kinds.includes(kind.id) ?? true)
    it.each(named(met))('%s', async (_, fault) => {
      const cell = {before: 0, content, jobs: 2}
      const runs = [1, Infinity].map((times) => runCell(kind, fault, {...cell, times}))
      for (const {problems, exit, code, faults, waited} of await Promise.all(runs)) {
        expect(problems).toEqual([])
        expect(code === undefined).toBe(exit === 0)
        expect([0, ...outcomeOf(fault.id, kind.id).exits]).toContain(exit)
        expect(faults).toBeLessThanOrEqual(2 * mostConnections)
        expect(waited).toBeLessThanOrEqual(2 * longestWait)
      }
    })
  })
}

function expectOutcome(kind: Kind, fault: Fault, runs: readonly Observation[]): void {
  const {exits, code} = outcomeOf(fault.id, kind.id)
  const said = runs.map(({line}) => line).join('\n')
  expect(
    runs.map(({exit}) => exit),
    said,
  ).toEqual(exits)
  for (const run of runs) {
    expect(run.problems).toEqual([])
    expect(run.code).toBe(run.exit === 0 ? undefined : code)
    expect(run.faults).toBeGreaterThan(0)
    expect(run.faults).toBeLessThanOrEqual(fault.meeting ? mostConnections : mostRequests)
    expect(run.waited).toBeLessThanOrEqual(longestWait)
  }
}

function named<T extends {readonly id: string; readonly title: string}>(
  all: readonly T[],
): [string, T][] {
  return all.map((each) => [`${each.id} ${each.title}`, each])
}

/** Timers and sockets that the event loop waits for. */
function active(): number {
  return process.getActiveResourcesInfo().filter((name) => /Timeout|TCP|TLS/.test(name)).length
}
