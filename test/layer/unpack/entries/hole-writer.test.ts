import fc from 'fast-check'
import {closeSync, openSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {createHoleWriter} from '../../../../src/layer/unpack/entries/hole-writer.js'
import {tempDir} from '../../../support/temp-dir.js'

function write(path: string, chunks: readonly Uint8Array[], holes: boolean) {
  const descriptor = openSync(path, 'w')
  const writer = createHoleWriter(descriptor, {holes})
  for (const chunk of chunks) writer.write(chunk)
  writer.end()
  closeSync(descriptor)
  return {content: readFileSync(path), blocks: statSync(path).blocks}
}

describe('W37 runs of zeros', () => {
  it('take no space, at the start, in the middle and at the end, unless that is not wanted', async () => {
    const path = join(await tempDir(), 'file')
    const zeros = Buffer.alloc(8 * 1024 * 1024)
    const data = Buffer.alloc(4096, 'x')
    const chunks = [zeros, data, zeros, data, zeros]
    const sparse = write(path, chunks, true)
    expect(sparse.content.equals(Buffer.concat(chunks))).toBe(true)
    expect(sparse.blocks * 512).toBeLessThan(256 * 1024)
    const whole = write(path, chunks, false)
    expect(whole.content.equals(sparse.content)).toBe(true)
    expect(whole.blocks * 512).toBeGreaterThanOrEqual(24 * 1024 * 1024)
  })

  it('never change the content, whatever comes in which pieces', async () => {
    const path = join(await tempDir(), 'file')
    const run = fc.record({zero: fc.boolean(), length: fc.integer({min: 1, max: 150_000})})
    fc.assert(
      fc.property(
        fc.array(run, {maxLength: 6}),
        fc.integer({min: 1, max: 70_000}),
        (runs, size) => {
          const all = Buffer.concat(
            runs.map(({zero, length}) => Buffer.alloc(length, zero ? 0 : 'x')),
          )
          const chunks = []
          for (let at = 0; at < all.length; at += size) chunks.push(all.subarray(at, at + size))
          expect(write(path, chunks, true).content.equals(all)).toBe(true)
        },
      ),
      {numRuns: 60},
    )
  })
})
