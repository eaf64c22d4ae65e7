import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {planShards} from '../../../src/layer/shards/plan.js'
import {treeEntries} from '../../../src/layer/tree/walk-tree.js'
import type {Entries} from '../../../src/layer/tree/walked-entry.js'
import {partsOf} from '../../../src/operations/slot/shard-parts.js'
import type {SlotMemory} from '../../../src/operations/slot/slot-memory.js'
import {tempDir} from '../../support/temp-dir.js'

const memory: SlotMemory = {
  isEmpty: false,
  keepsWalks: false,
  recall: () => undefined,
  remember: () => undefined,
  keeperOf: () => Promise.reject(new Error('no walk is kept')),
  save: () => Promise.resolve(),
}

it('reads many layers that are not remembered by few walks, and each whole', async () => {
  const directory = await tempDir()
  for (let number = 0; number < 60; number++) {
    mkdirSync(join(directory, `d${number}`))
    writeFileSync(join(directory, `d${number}/file`), 'x'.repeat(1000 + number))
  }
  const own = treeEntries({
    tree: {directory, path: '/', exclude: []},
    onWarning: () => undefined,
  })
  let walks = 0
  const content: Entries = (detail) => {
    walks++
    return own(detail)
  }
  const {plan} = planShards(content, 20, 127)
  if (!plan) throw new Error('one layer is not a division')
  const found = []
  let layers = 0
  for (const {entries} of partsOf({content, plan, memory}, {report: () => undefined})) {
    // hashed, and then packed
    const [once, again] = [[...entries()], [...entries()]]
    expect(again).toEqual(once)
    found.push(...once.filter(({entry}) => entry.kind === 'file').map(({entry}) => entry.path))
    layers++
  }
  expect(layers).toBeGreaterThan(12)
  expect(found).toHaveLength(60)
  // one for the plan, one for the looks, three layers alone, and one for all others
  expect(walks).toBe(6)
})
