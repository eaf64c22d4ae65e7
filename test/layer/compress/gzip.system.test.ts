import {execaSync} from 'execa'
import fc from 'fast-check'
import {readFileSync} from 'node:fs'
import {ungzip} from 'pako'
import {randomFillSync} from 'node:crypto'
import {constants, deflateRawSync, gunzipSync, inflateRawSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {createDeflater} from '../../../src/layer/compress/create-deflater.js'
import {deflateProbe, givesPakoBytes} from '../../../src/layer/compress/deflate-probe.js'
import {
  deflateLevel,
  outputBound,
  zlibDeflater,
  type Deflater,
} from '../../../src/layer/compress/deflater.js'
import {gzip} from '../../../src/layer/compress/gzip.js'
import {digestOf} from '../../../src/oci/digest.js'
import {pakoDeflate} from '../../../src/layer/compress/pako-deflate.js'
import {pakoPool} from '../../../src/layer/compress/pako-pool.js'
import {looksLikeNoise, storedBlocks} from '../../../src/layer/compress/stored-blocks.js'
import {runs} from '../../support/property-runs.js'

async function compress(
  blocks: Buffer[],
  deflater: Deflater = zlibDeflater(),
  ahead = 3_000_000,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of gzip(blocks, {compress: deflater.deflate, ahead})) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A zlib of other bytes: what a Node that links to another zlib looks like. */
const otherZlib: Deflater = {
  deflate: (block) =>
    Promise.resolve(
      deflateRawSync(block, {
        level: deflateLevel + 1,
        finishFlush: constants.Z_SYNC_FLUSH,
        chunkSize: outputBound(block.length),
      }),
    ),
  close: () => Promise.resolve(),
}

/** Equal bytes: to compare megabytes one by one takes seconds. */
const expectSame = (one: Uint8Array, other: Uint8Array): void =>
  expect(Buffer.compare(one, other)).toBe(0)

const text = Buffer.from('the quick brown fox '.repeat(60_000))

describe('gzip', () => {
  it('has nothing of the machine in its header', async () => {
    const bytes = await compress([text])
    expect([...bytes.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])
  })

  it('P19 decodes to the input by zlib, pako and gzip, for any blocks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({maxLength: 5000}), {maxLength: 6}),
        async (blocks) => {
          const buffers = blocks.map((block) => Buffer.from(block))
          const bytes = await compress(buffers)
          expectSame(gunzipSync(bytes), Buffer.concat(buffers))
          expectSame(ungzip(bytes), Buffer.concat(buffers))
        },
      ),
    )
    const bytes = await compress([text, text])
    expectSame(
      execaSync('gzip', ['-dc'], {input: bytes, encoding: 'buffer'}).stdout,
      Buffer.concat([text, text]),
    )
  })

  it('gives the same bytes however many blocks run at once', async () => {
    const blocks = [
      text,
      Buffer.from(text).reverse(),
      text.subarray(0, 1000),
      Buffer.alloc(0),
      text,
    ]
    const one = await compress(blocks, zlibDeflater(), 1)
    expectSame(await compress(blocks, zlibDeflater(), 8_000_000), one)
  })

  it('holds no more than the blocks that run, and releases each', async () => {
    let held = 0
    let most = 0
    const blocks = function* (): Generator<Buffer> {
      for (let i = 0; i < 20; i++) {
        most = Math.max(most, ++held)
        yield Buffer.alloc(1000, i)
      }
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of gzip(blocks(), {
      compress: zlibDeflater().deflate,
      ahead: 4000,
      release: () => held--,
    }))
      chunks.push(chunk)
    expect(held).toBe(0)
    expect(most).toBeLessThanOrEqual(5)
    expect(gunzipSync(Buffer.concat(chunks))).toHaveLength(20_000)
  })

  it('fails when a block fails, and lets the others go unheard', async () => {
    const failing: Deflater = {
      deflate: () => Promise.reject(new Error('broken')),
      close: () => Promise.resolve(),
    }
    await expect(compress([text, text, text, text], failing)).rejects.toThrow('broken')
  })
})

describe('createDeflater', () => {
  it("P19 takes Node's zlib where it gives pako's bytes, else pako itself, and the layer is the same", async () => {
    expect(await givesPakoBytes(otherZlib)).toBe(false)
    const noise = Buffer.from(randomFillSync(new Uint8Array(100_000)))
    const blocks = [text, Buffer.from(text).reverse(), noise, text.subarray(0, 70_000)]
    for (const level of [1, 2, 4, 6, 9]) {
      expect(await givesPakoBytes(zlibDeflater(level), level)).toBe(true)
      const deflater = await createDeflater({level, fast: otherZlib})
      try {
        const bytes = await compress(blocks, deflater)
        expectSame(bytes, await compress(blocks, await createDeflater({level})))
        expectSame(gunzipSync(bytes), Buffer.concat(blocks))
      } finally {
        await deflater.close()
      }
    }
  })

  it("P19 knows pako's bytes of the probe for each level, and no others", async () => {
    const deflatedBy = (level: number): Deflater => ({
      deflate: (block) => Promise.resolve(pakoDeflate(block, level, outputBound(block.length))),
      close: () => Promise.resolve(),
    })
    for (let level = 1; level <= 9; level++) {
      expect(await givesPakoBytes(deflatedBy(level), level)).toBe(true)
      expect(await givesPakoBytes(deflatedBy(level), (level % 9) + 1)).toBe(false)
    }
  })

  it('P19 gives the same bytes for a block whatever was compressed before it, and beside it', async () => {
    const sizes = [1, 700, 40_000, 220_000, 300_000, 524_288, 1_048_576, 3_000_000]
    const blocks = [...sizes, ...sizes, ...sizes].map((size, number) => {
      const noise = Buffer.from(randomFillSync(new Uint8Array(1 + (size >> (number % 3)))))
      return Buffer.concat([text, text, text]).fill(noise, 100).subarray(0, size)
    })
    for (const level of [1, 6]) {
      const deflater = zlibDeflater(level, 3)
      const results = await Promise.all(blocks.map((block) => deflater.deflate(block)))
      for (const [number, block] of blocks.entries()) {
        const alone = deflateRawSync(block, {
          level,
          memLevel: 9,
          finishFlush: constants.Z_SYNC_FLUSH,
          chunkSize: outputBound(block.length),
        })
        expectSame(results[number] ?? new Uint8Array(), alone)
      }
      await deflater.close()
    }
  })

  it('goes on after an invalid block, and is closed while it works', async () => {
    const deflater = zlibDeflater(1, 1)
    await expect(deflater.deflate(7 as unknown as Uint8Array)).rejects.toThrow()
    const last = deflater.deflate(text)
    await deflater.close()
    const bytes = await last
    expectSame(inflateRawSync(bytes, {finishFlush: constants.Z_SYNC_FLUSH}), text)
  })

  it('gives the golden digest for a block with more symbols than a deflate block holds', async () => {
    const block = Buffer.concat(Array.from({length: 12}, () => deflateProbe()))
    const deflater = await createDeflater()
    expect(digestOf(await deflater.deflate(block))).toMatchInlineSnapshot(
      `"sha256:656370846168a16acd70bf54391c79dd1df8fbae31ac8d2e22bfea056d6edbac"`,
    )
  })

  it('fails what waits for a worker that dies', async () => {
    const pool = pakoPool(1)
    const result = pool.deflate('no bytes' as unknown as Uint8Array)
    const outcome = await Promise.race([
      result.then(
        () => 'done',
        () => 'failed',
      ),
      new Promise((resolve) => setTimeout(resolve, 20_000, 'hung')),
    ])
    await pool.close()
    expect(outcome).not.toBe('hung')
  })
})

describe('what nothing shrinks', () => {
  const noise = (length: number): Buffer => Buffer.from(randomFillSync(new Uint8Array(length)))

  it('is stored: five bytes for each 64 KiB', async () => {
    const deflater = await createDeflater()
    for (const length of [8192, 65_535, 65_536, 1024 * 1024]) {
      const bytes = noise(length)
      expect(looksLikeNoise(bytes)).toBe(true)
      const stored = await deflater.deflate(bytes)
      expect(stored.length).toBe(length + 5 * Math.ceil(length / 65_535))
      expectSame(
        gunzipSync(await compress([text, bytes, text], deflater)),
        Buffer.concat([text, bytes, text]),
      )
    }
  })

  it('is not noise when it is text, a program, or comes again nearby', async () => {
    const deflater = await createDeflater()
    const program = readFileSync(process.execPath).subarray(0, 4 * 1024 * 1024)
    for (const bytes of [text, program, Buffer.alloc(100_000), noise(100)])
      expect(looksLikeNoise(bytes)).toBe(false)
    const again = Buffer.concat(Array.from({length: 50}, () => noisePiece))
    expect((await deflater.deflate(again)).length).toBeLessThan(again.length / 2)
  })
  const noisePiece = noise(12_000)

  it('P19 any bytes come back', async () => {
    const deflater = await createDeflater()
    const bytes = fc.uint8Array({minLength: 1, maxLength: 20_000})
    await fc.assert(
      fc.asyncProperty(bytes, async (some) => {
        const block = Buffer.from(some)
        expectSame(
          gunzipSync(await compress([block, Buffer.from(storedBlocks(block))], deflater)),
          Buffer.concat([block, storedBlocks(block)]),
        )
      }),
      {numRuns: runs(0.5)},
    )
  })
})
