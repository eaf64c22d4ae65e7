import {describe, expect, it} from 'vitest'
import type {ShardPlan} from '../../../src/layer/shards/shard-plan.js'
import type {LayerLook} from '../../../src/layer/tree/division.js'
import {digestOf} from '../../../src/oci/digest.js'
import {bytesToPack} from '../../../src/operations/slot/bytes-to-pack.js'

const look: LayerLook = {digest: '', touched: 0n, isReliable: true}
const layers = ['first', 'second', 'third'].map((name) => {
  return {diffId: digestOf(Buffer.from(name)), own: true}
})
const memory = {
  tarSizeOf: (diffId: string) => [1000, 20, 3][layers.findIndex((each) => each.diffId === diffId)],
}

/** Of three layers, with these looks of an earlier run. */
function planOf(looks: readonly (LayerLook | undefined)[] | undefined): ShardPlan {
  const kept = {looks, entriesOf: () => undefined, keep: () => undefined}
  const counts = {items: 3, directories: 0, entries: 3, whiteouts: 0, newestMtime: 0}
  return {cuts: [1, 2], hashes: [1, 2], names: new Map(), ...counts, kept}
}

describe('the bytes to pack', () => {
  it('are those of layers in which files were touched', () => {
    expect(bytesToPack({plan: planOf([look, look, look]), memory}, layers)).toBe(0)
    expect(bytesToPack({plan: planOf([undefined, look, undefined]), memory}, layers)).toBe(1003)
  })

  it('count no layer of another image, and none that is not remembered', () => {
    const plan = planOf([undefined, undefined, look])
    const other = {diffId: digestOf(Buffer.from('another')), own: false}
    expect(bytesToPack({plan, memory}, [other, ...layers])).toBe(1020)
    expect(bytesToPack({plan, memory: {tarSizeOf: () => undefined}}, layers)).toBe(0)
  })

  it('are not known without a plan, a memory, or the layers that the plan has', () => {
    const plan = planOf([undefined, look, look])
    expect(bytesToPack({plan: planOf(undefined), memory}, layers)).toBe(0)
    expect(bytesToPack({plan}, layers)).toBe(0)
    expect(bytesToPack({plan, memory}, layers.slice(1))).toBe(0)
    expect(bytesToPack({plan, memory, frame: (entries) => entries}, layers)).toBe(0)
  })
})
