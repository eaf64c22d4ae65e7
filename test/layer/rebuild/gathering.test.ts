import fc from 'fast-check'
import {expect, it} from 'vitest'
import {createGathering} from '../../../src/layer/rebuild/gathering.js'

it('gives the same bytes in large pieces', () => {
  const sizes = fc.array(fc.oneof(fc.nat(1000), fc.nat(700_000)), {maxLength: 20})
  fc.assert(
    fc.property(sizes, (lengths) => {
      const gathering = createGathering()
      const parts = lengths.map((length, at) => Buffer.alloc(length, at + 1))
      const found: Uint8Array[] = []
      const reused = Buffer.alloc(700_000)
      for (const part of parts) {
        part.copy(reused)
        const bytes = reused.subarray(0, part.length)
        if (gathering.takes(bytes)) continue
        for (const full of gathering.fill(bytes)) found.push(Uint8Array.from(full))
      }
      expect(found.every(({length}) => length === 256 * 1024)).toBe(true)
      found.push(gathering.rest())
      expect(Buffer.concat(found).equals(Buffer.concat(parts))).toBe(true)
    }),
  )
})
