import {execaSync} from 'execa'
import fc from 'fast-check'
import {ungzip} from 'pako'
import {constants, deflateRawSync, gunzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {createDeflater, givesPakoBytes} from '../../src/layer/create-deflater.js'
import {deflateLevel, outputBound, zlibDeflater, type Deflater} from '../../src/layer/deflater.js'
import {gzip} from '../../src/layer/gzip.js'
import {pakoPool} from '../../src/layer/pako-pool.js'

async function compress(
  blocks: Buffer[],
  deflater: Deflater = zlibDeflater,
  concurrency = 3,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of gzip(blocks, {deflater, concurrency})) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** A zlib of other bytes: what a Node that links to another zlib looks like. */
const otherZlib: Deflater = {
  deflate: (block, dictionary) =>
    Promise.resolve(
      deflateRawSync(block, {
        level: deflateLevel + 1,
        finishFlush: constants.Z_SYNC_FLUSH,
        chunkSize: outputBound(block.length),
        ...(dictionary && {dictionary}),
      }),
    ),
  close: () => Promise.resolve(),
}

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
          expect(gunzipSync(bytes)).toEqual(Buffer.concat(buffers))
          expect(Buffer.from(ungzip(bytes))).toEqual(Buffer.concat(buffers))
        },
      ),
      {numRuns: 200},
    )
    const bytes = await compress([text, text])
    expect(execaSync('gzip', ['-dc'], {input: bytes, encoding: 'buffer'}).stdout).toEqual(
      new Uint8Array(Buffer.concat([text, text])),
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
    const one = await compress(blocks, zlibDeflater, 1)
    expect(await compress(blocks, zlibDeflater, 8)).toEqual(one)
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
      deflater: zlibDeflater,
      concurrency: 4,
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
    expect(await createDeflater()).toBe(zlibDeflater)
    expect(await givesPakoBytes(otherZlib)).toBe(false)
    const deflater = await createDeflater(otherZlib)
    expect(deflater).not.toBe(otherZlib)
    try {
      const blocks = [text, Buffer.from(text).reverse(), text.subarray(0, 70_000)]
      expect(await compress(blocks, deflater)).toEqual(await compress(blocks))
    } finally {
      await deflater.close()
    }
  })

  it('fails what waits for a worker that dies', async () => {
    const pool = pakoPool(1)
    const result = pool.deflate('no bytes' as unknown as Uint8Array, new Uint8Array(70_000))
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
