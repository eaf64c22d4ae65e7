import {
  appendFileSync,
  linkSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  type RecordOptions,
  recordedWalk,
  type WalkKeeper,
} from '../../../src/layer/recording/recorded-walk.js'
import {oneShard} from '../../../src/layer/shards/divide.js'
import {planShards} from '../../../src/layer/shards/plan.js'
import {countShards} from '../../../src/layer/shards/shard-plan.js'
import {lookOf} from '../../../src/layer/tree/layer-look.js'
import {treeEntries} from '../../../src/layer/tree/walk-tree.js'
import type {Entries, Tree} from '../../../src/layer/tree/walked-entry.js'
import {runs} from '../../support/property-runs.js'
import {tempDir} from '../../support/temp-dir.js'

const whole = (parts: readonly Uint8Array[] | undefined) => parts && Buffer.concat(parts)
const later = 2n ** 62n

/** Sixty files of 1 to 6 blocks in four directories, some of which have a second name. */
async function start() {
  const directory = join(await tempDir(), 'tree')
  const path = (name: string): string => join(directory, name)
  for (let number = 0; number < 60; number++) {
    mkdirSync(path(`d${number % 4}`), {recursive: true})
    writeFileSync(path(`d${number % 4}/f${number}`), 'x'.repeat((number % 6) * 512 + 10))
  }
  for (const number of [3, 17, 40])
    linkSync(path(`d${number % 4}/f${number}`), path(`d${(number + 2) % 4}/link${number}`))
  // of which a name is elsewhere
  linkSync(path('d1/f5'), `${directory}-elsewhere`)
  symlinkSync('target', path('d2/symlink'))
  const tree: Tree = {directory, path: '/opt', exclude: []}
  let kept: Uint8Array | undefined

  /** A run that keeps the looks of all layers for the next one, unless told not to. */
  async function run(
    sharding = 5,
    room = 100,
    {
      keepsLooks = true,
      signal,
      ahead,
    }: {keepsLooks?: boolean; signal?: AbortSignal; ahead?: RecordOptions['ahead']} = {},
  ) {
    let walks = 0
    const own = treeEntries({tree, onWarning: () => undefined})
    const counted: Entries = (detail) => {
      walks++
      return own(detail)
    }
    let encode: (() => readonly Uint8Array[] | undefined) | undefined
    const keep: WalkKeeper['keep'] = (encoder) => (encode = encoder)
    const keeper = {now: later, before: later, kept, keep}
    const walked = Object.assign(counted, {walk: own.walk})
    const entries = recordedWalk(walked, 'opt/', keeper, {ahead})
    const {plan} = await planShards(entries, sharding, room, {signal})
    if (!plan) throw new Error('one layer is not a division')
    const looks = looksOf(entries, plan)
    const known = plan.kept?.looks
    if (keepsLooks) plan.kept?.keep(looks)
    const isNew = encode !== undefined
    if (encode) kept = whole(encode())
    const facts = {...plan, kept: undefined}
    return {facts, looks, known, walks, isNew}
  }

  async function fresh(sharding = 5, room = 100) {
    const entries = treeEntries({tree, onWarning: () => undefined})
    const {plan} = await planShards(entries, sharding, room)
    if (!plan) throw new Error('one layer is not a division')
    return {facts: {...plan, kept: undefined}, looks: looksOf(entries, plan)}
  }
  return {directory, path, run, fresh}
}

function looksOf(entries: Entries, plan: Parameters<typeof oneShard>[1]) {
  const states: Entries = () => entries('states')
  return Array.from({length: countShards(plan)}, (_, number) =>
    lookOf(oneShard(states, plan, number).entries()),
  )
}

describe('a plan that is kept', () => {
  it('is made again without a walk, with the looks of its layers', async () => {
    const {run, fresh} = await start()
    expect(await run()).toMatchObject({walks: 1, known: undefined, isNew: true})
    const again = await run()
    expect(again).toMatchObject({walks: 0, isNew: false, known: (await fresh()).looks})
    expect(again.facts).toEqual((await fresh()).facts)
  })

  it('hears a signal while the directory is looked at, which ends there', async () => {
    const {run, path} = await start()
    for (let number = 0; number < 300; number++) writeFileSync(path(`d1/g${number}`), 'text')
    await run()
    const controller = new AbortController()
    const looked: number[] = []
    let isClosed = false
    const ahead = () => ({
      isUntouched(row: number): boolean {
        looked.push(row)
        if (row > 0) return true
        setImmediate(() => controller.abort(new Error('stop')))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
        return true
      },
      close: () => (isClosed = true),
    })
    const {signal} = controller
    await expect(run(5, 100, {signal, ahead})).rejects.toThrow('stop')
    expect(looked.length).toBeLessThan(300)
    expect(isClosed).toBe(true)
  })

  it('leaves out the looks of layers of which a file was touched', async () => {
    const {path, run, fresh} = await start()
    const {looks: before} = await run()
    writeFileSync(path('d2/f10'), 'y'.repeat(4 * 512 + 10))
    const after = await fresh()
    const {known, walks, facts} = await run()
    expect(walks).toBe(0)
    expect(facts).toEqual(after.facts)
    expect(known?.filter((look) => look === undefined)).toHaveLength(1)
    for (const [number, look] of (known ?? []).entries()) {
      if (look === undefined) expect(after.looks[number]).not.toEqual(before[number])
      else expect(look).toEqual(after.looks[number])
    }
    expect(await run()).toMatchObject({isNew: false, known: after.looks})
  })

  it('is forgotten by a run that finds a file touched and makes no other', async () => {
    const {path, run, fresh} = await start()
    await run()
    writeFileSync(path('d2/f10'), 'y'.repeat(4 * 512 + 10))
    await run(5, 100, {keepsLooks: false})
    expect(await run()).toMatchObject({walks: 0, known: undefined, facts: (await fresh()).facts})
    await run(5, 100, {keepsLooks: false})
    expect((await run()).known).toEqual((await fresh()).looks)
  })

  it('is not made again when a file has another size, or there is other room', async () => {
    const {path, run, fresh} = await start()
    await run()
    appendFileSync(path('d2/f10'), 'y'.repeat(5000))
    expect(await run()).toMatchObject({known: undefined, facts: (await fresh()).facts})
    expect((await run()).known).toEqual((await fresh()).looks)
    expect(await run(7)).toMatchObject({known: undefined, facts: (await fresh(7)).facts})
    expect(await run(7, 4)).toMatchObject({known: undefined, facts: (await fresh(7, 4)).facts})
  })

  it('is what a new one would be, whatever was done to the tree', async () => {
    const change = fc.record({
      kind: fc.constantFrom('write', 'grow', 'touch', 'add', 'remove', 'link', 'unlink', 'none'),
      number: fc.integer({min: 0, max: 59}),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(change, {maxLength: 3}), {maxLength: 4}),
        async (steps) => {
          const {path, run, fresh} = await start()
          await run()
          for (const changes of steps) {
            for (const {kind, number} of changes) apply(path, kind, number)
            const after = await fresh()
            const {facts, looks, known} = await run()
            expect(facts).toEqual(after.facts)
            expect(looks).toEqual(after.looks)
            for (const [layer, look] of (known ?? []).entries())
              if (look !== undefined) expect(look).toEqual(after.looks[layer])
          }
        },
      ),
      {numRuns: runs(0.4)},
    )
  })
})

function apply(path: (name: string) => string, kind: string, number: number): void {
  const name = path(`d${number % 4}/f${number}`)
  const other = path(`d${(number + 1) % 4}/other${number}`)
  if (kind === 'write') writeFileSync(name, 'z'.repeat((number % 6) * 512 + 10))
  if (kind === 'grow') appendFileSync(name, 'w'.repeat(300))
  if (kind === 'touch') {
    writeFileSync(name, '', {flag: 'a'})
    utimesSync(name, 1, number)
  }
  if (kind === 'add') writeFileSync(`${name}-new`, 'new')
  if (kind === 'remove') rmSync(name, {force: true})
  if (kind === 'unlink') rmSync(other, {force: true})
  if (kind === 'link') {
    writeFileSync(name, '', {flag: 'a'})
    rmSync(other, {force: true})
    linkSync(name, other)
  }
}
