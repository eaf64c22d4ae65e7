import {describe, expect, it} from 'vitest'
import {readWindow} from '../../../src/registry/upload/window.js'
import type {BlobSource} from '../../../src/store/content-store.js'

const chunkSize = 1000

/** Chunks of `a`s, `b`s and so on, all in the same memory if the reader allows that. */
function alphabet(count: number): BlobSource {
  return {
    async *open({isTransient = false} = {}) {
      const memory = Buffer.alloc(chunkSize)
      for (let at = 0; at < count; at++) {
        await Promise.resolve()
        const chunk = isTransient ? memory : Buffer.alloc(chunkSize)
        yield chunk.fill(97 + at)
      }
    },
  }
}

const firsts = (chunks: Iterable<Uint8Array>): string =>
  Array.from(chunks, ([first = 0]) => String.fromCharCode(first)).join('')

describe('the start of a source', () => {
  it('is the whole source, if that is small', async () => {
    const windowed = await readWindow(alphabet(3), 5000, {})
    if (windowed.kind !== 'whole') throw new Error('not whole')
    expect(windowed.bytes).toHaveLength(3 * chunkSize)
    expect(firsts([0, 1, 2].map((at) => windowed.bytes.subarray(at * chunkSize)))).toBe('abc')
  })

  it('goes on with chunks that can be kept, unless the reader needs none of them', async () => {
    for (const isTransient of [false, true]) {
      const windowed = await readWindow(alphabet(9), 2500, {})
      if (windowed.kind !== 'part') throw new Error('not a part')
      const kept: Uint8Array[] = []
      let seen = ''
      for await (const chunk of windowed.source.open({isTransient})) {
        kept.push(chunk)
        seen += firsts([chunk])
      }
      expect(seen).toBe('abcdefghi')
      expect(new Set(kept.map(({buffer}) => buffer)).size).toBe(isTransient ? 4 : 9)
      if (!isTransient) expect(firsts(kept)).toBe('abcdefghi')
    }
  })
})
