import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {createRing, largestSlice} from '../../../src/registry/upload/ring.js'

const MiB = 1024 * 1024

describe('the ring of what was read last', () => {
  it('gives every byte that it has not forgotten, and keeps at least its capacity', () => {
    const sizes = fc.array(fc.integer({min: 0, max: largestSlice}), {maxLength: 12})
    fc.assert(
      fc.property(sizes, (lengths) => {
        const ring = createRing(MiB)
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
    const ring = createRing(MiB)
    ring.put(Buffer.alloc(largestSlice, 1))
    ring.clear()
    ring.put(Buffer.from('new'))
    expect(ring.oldest).toBe(0)
    expect(Buffer.from(ring.view(0, 3)).toString()).toBe('new')
  })
})
