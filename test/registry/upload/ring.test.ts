import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {createRing, createSpareMemory, largestSlice} from '../../../src/registry/upload/ring.js'

const MiB = 1024 * 1024

describe('the ring of what was read last', () => {
  it('gives every byte that it has not forgotten, and keeps at least its capacity', () => {
    const sizes = fc.array(fc.integer({min: 0, max: largestSlice}), {maxLength: 12})
    fc.assert(
      fc.property(sizes, (lengths) => {
        const ring = createRing(MiB, createSpareMemory())
        const all: Buffer[] = []
        for (const [index, length] of lengths.entries()) {
          const slice = Buffer.alloc(length, index + 1)
          all.push(slice)
          ring.put(slice)
        }
        const whole = Buffer.concat(all)
        expect(whole.length - ring.oldest).toBeGreaterThanOrEqual(Math.min(MiB, whole.length))
        for (let at = ring.oldest; at < whole.length;) {
          const part = ring.view(at, whole.length)
          expect(whole.subarray(at, at + part.length).equals(part)).toBe(true)
          at += part.length
        }
      }),
      {numRuns: 50},
    )
  })

  it('starts at place 0 when it was cleared', () => {
    const ring = createRing(MiB, createSpareMemory())
    ring.put(Buffer.alloc(largestSlice, 1))
    ring.clear()
    ring.put(Buffer.from('new'))
    expect(ring.oldest).toBe(0)
    expect(Buffer.from(ring.view(0, 3)).toString()).toBe('new')
  })

  it('has the memory of one that was released, and nothing that was in it', () => {
    const spare = createSpareMemory()
    const first = createRing(MiB, spare)
    first.put(Buffer.from('first'))
    const {buffer} = first.view(0, 5)
    first.release()
    expect(first.view(0, 5)).toHaveLength(0)

    const second = createRing(MiB, spare)
    expect(second.view(0, 5)).toHaveLength(0)
    second.put(Buffer.from('second'))
    expect(second.view(0, 6).buffer).toBe(buffer)

    const third = createRing(MiB, spare)
    third.put(Buffer.from('third'))
    expect(third.view(0, 5).buffer).not.toBe(buffer)
    expect(Buffer.from(second.view(0, 6)).toString()).toBe('second')
  })

  it('does not take memory that is too small for it', () => {
    const spare = createSpareMemory()
    spare.give(Buffer.alloc(MiB))
    const ring = createRing(2 * MiB, spare)
    ring.put(Buffer.alloc(largestSlice, 1))
    ring.put(Buffer.alloc(largestSlice, 2))
    expect(ring.oldest).toBe(0)
  })
})
