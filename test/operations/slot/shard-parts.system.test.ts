import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {planShards} from '../../../src/layer/shards/plan.js'
import {treeEntries} from '../../../src/layer/tree/walk-tree.js'
import type {Entries} from '../../../src/layer/tree/walked-entry.js'
import {partsOf} from '../../../src/operations/slot/shard-parts.js'
import type {ProgressEvent} from '../../../src/ports.js'
import type {SlotMemory} from '../../../src/operations/slot/slot-memory.js'
import {tempDir} from '../../support/temp-dir.js'

const memory: SlotMemory = {
  isEmpty: false,
  keepsWalks: false,
  recall: () => undefined,
  tarSizeOf: () => undefined,
  remember: () => undefined,
  keeperOf: () => Promise.reject(new Error('no walk is kept')),
  save: () => Promise.resolve(),
}

/** 60 files, one in each folder, in more than 12 layers. */
async function manyLayers() {
  const directory = await tempDir()
  for (let number = 0; number < 60; number++) {
    mkdirSync(join(directory, `d${number}`))
    writeFileSync(join(directory, `d${number}/file`), 'x'.repeat(1000 + number))
  }
  const content = treeEntries({
    tree: {directory, path: '/', exclude: []},
    onWarning: () => undefined,
  })
  const walks = {count: 0}
  const counted: Entries = (detail) => {
    walks.count++
    return content(detail)
  }
  const {plan} = await planShards(counted, 20, 127)
  if (!plan) throw new Error('one layer is not a division')
  return {content: counted, plan, memory, walks}
}

const filesIn = (entries: Entries) =>
  [...entries()].filter(({entry}) => entry.kind === 'file').map(({entry}) => entry.path)

it('reads many layers that are not remembered by few walks, and each whole', async () => {
  const {walks, ...sharded} = await manyLayers()
  const found = []
  let layers = 0
  for (const {entries} of partsOf(sharded, {report: () => undefined})) {
    // hashed, and then packed
    const [once, again] = [[...entries()], [...entries()]]
    expect(again).toEqual(once)
    found.push(...filesIn(entries))
    layers++
  }
  expect(layers).toBeGreaterThan(12)
  expect(found).toHaveLength(60)
  // one for the plan, one for the looks, three layers alone, and one for all others
  expect(walks.count).toBe(6)
})

it('gives what is in a layer when one above it was read before', async () => {
  const {walks, ...sharded} = await manyLayers()
  const inOrder = [...partsOf(sharded, {report: () => undefined})].map(({entries}) =>
    filesIn(entries),
  )
  expect(inOrder.flat()).toHaveLength(60)
  const before = walks.count
  const backwards = [...partsOf(sharded, {report: () => undefined})]
    .reverse()
    .map(({entries}) => filesIn(entries))
  expect(backwards.reverse()).toEqual(inOrder)
  expect(walks.count).toBeGreaterThan(before)
})

it('passes on one warning of each kind, whichever thread reads a layer', async () => {
  const {content, plan} = await manyLayers()
  const said: string[] = []
  const report = (event: ProgressEvent) => {
    if (event.kind === 'warning') said.push(event.message)
  }
  const kind = 'of this one there is more than can be said in fifty letters, '
  for (const {entries, number} of partsOf(
    {content, plan, frame: undefined, memory: undefined},
    {report},
  ))
    for (const text of ['another one', `${kind}${number} for one`]) entries.held?.onWarning(text)
  expect(said).toEqual(['another one', `${kind}0 for one`])
})
