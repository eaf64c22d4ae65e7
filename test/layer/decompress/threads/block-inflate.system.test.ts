import {readFileSync} from 'node:fs'
import {constants, deflateRawSync, inflateRawSync, type ZlibOptions} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {compile} from '../../../../bin/wasm.mjs'
import * as compressing from '../../../../src/layer/compress/block-deflate.js'
import {
  createBlockInflate,
  inputSlack,
  largestBlock,
  loadInflate,
  longestBlock,
  outputSlack,
  scratchLength,
} from '../../../../src/layer/decompress/threads/block-inflate.js'
import {createMemory} from '../../../../src/layer/shared-memory.js'
import {runs} from '../../../support/property-runs.js'
import {generated, noise, random} from '../../../support/generated-bytes.js'
import {ownBlock} from '../own-layer.js'

/** Guard zones, of a byte that nothing else is filled with. */
const [zone, guard] = [4096, 0xa5]
const scratchAt = zone
const inputAt = scratchAt + scratchLength + zone
const outputAt = inputAt + longestBlock + inputSlack + zone
const end = outputAt + largestBlock + outputSlack
const memory = createMemory(end + zone)
const bytes = Buffer.from(memory.buffer)
const zones = [0, inputAt - zone, outputAt - zone, end].map((at) => bytes.subarray(at, at + zone))
for (const each of zones) each.fill(guard)
const inflateAt = createBlockInflate(loadInflate(), memory, scratchAt)
const guardZone = Buffer.alloc(zone, guard)

/** The content of a block, or `undefined` for what is not one of ours; watches the guard zones. */
function inflate(block: Uint8Array): Buffer | undefined {
  const input = bytes.subarray(inputAt, inputAt + longestBlock + inputSlack)
  // what is behind a block must not matter
  input.fill(guard, block.length, block.length + inputSlack)
  input.set(block)
  const length = inflateAt(inputAt, block.length, outputAt)
  for (const each of zones)
    if (!each.equals(guardZone)) throw new Error('written outside of what it may write to')
  if (!input.subarray(0, block.length).equals(block)) throw new Error('the block was changed')
  if (length > largestBlock) throw new Error('too long')
  return length < 0 ? undefined : Buffer.from(bytes.subarray(outputAt, outputAt + length))
}

const flushed = (content: Buffer, options: ZlibOptions = {}): Buffer =>
  deflateRawSync(content, {finishFlush: constants.Z_SYNC_FLUSH, ...options})

function byZlib(block: Uint8Array): Buffer | undefined {
  try {
    return inflateRawSync(block, {finishFlush: constants.Z_SYNC_FLUSH})
  } catch {
    return undefined
  }
}

/** Bits of deflate, the first one lowest; codes the other way round. */
function bits(...parts: readonly string[]): Buffer {
  const all = parts.join('').replaceAll(' ', '')
  const found = Buffer.alloc(Math.ceil(all.length / 8))
  for (let at = 0; at < all.length; at++) if (all[at] === '1') found[at >> 3]! |= 1 << (at & 7)
  return found
}

const flush = Buffer.of(0, 0, 0, 0xff, 0xff)

describe('inflate of blocks', () => {
  it('is built from its sources', async () => {
    const built = new URL('../../../../src/layer/decompress/wasm/inflate.wasm', import.meta.url)
    expect(readFileSync(built).equals(await compile('inflate'))).toBe(true)
  })

  it('takes the largest block that our own deflate makes', () => {
    expect(largestBlock).toBe(compressing.largestBlock)
    expect(longestBlock).toBeGreaterThan(compressing.deflateBound(compressing.largestBlock))
    for (const content of [noise(largestBlock), Buffer.alloc(largestBlock), Buffer.of(7)])
      expect(inflate(ownBlock(content))?.equals(content)).toBe(true)
  })

  it('gives back blocks of our own deflate, and of zlib with any settings', () => {
    const next = random(11)
    const {Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE} = constants
    const ways: ((content: Buffer) => Uint8Array)[] = [
      ownBlock,
      ...[1, 6, 9].map((level) => (content: Buffer) => flushed(content, {level})),
      ...[Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE].map(
        (strategy) => (content: Buffer) => flushed(content, {strategy}),
      ),
      (content) => flushed(content, {level: 0}),
    ]
    for (let run = 0; run < 100 * runs(1); run++) {
      const content = generated(next, 1 + next(run % 100 === 0 ? largestBlock : 3000))
      for (const [way, compress] of ways.entries())
        if (inflate(compress(content))?.equals(content) !== true)
          throw new Error(`${content.length} bytes do not come back, way ${way}, run ${run}`)
    }
    expect(inflate(flush)).toEqual(Buffer.alloc(0))
    expect(inflate(Buffer.alloc(0))).toBeUndefined()
  })

  it('gives of damaged blocks what zlib gives, or nothing', () => {
    const next = random(12)
    let taken = 0
    for (let run = 0; run < 200 * runs(1); run++) {
      const content = generated(next, 1 + next(3000))
      const block = Buffer.from(run % 2 ? ownBlock(content) : flushed(content, {level: 6}))
      for (let change = 0; change <= next(3); change++) block[next(block.length)]! ^= 1 << next(8)
      const found = inflate(block)
      if (found === undefined) continue
      taken++
      if (byZlib(block)?.equals(found) !== true) throw new Error(`other bytes in run ${run}`)
    }
    expect(taken).toBeGreaterThan(0)
  })

  it('takes nothing of noise but what zlib takes', () => {
    const next = random(13)
    for (let run = 0; run < 200 * runs(1); run++) {
      const block = Buffer.concat([noise(next(600), run), flush])
      // all kinds of blocks, none of them the last one
      block[0] = ((block[0] ?? 0) & 0xf8) | (next(3) << 1)
      const found = inflate(block)
      if (found && byZlib(block)?.equals(found) !== true) throw new Error(`run ${run}`)
    }
    expect(inflate(Buffer.alloc(longestBlock, 0xff))).toBeUndefined()
    expect(inflate(Buffer.alloc(longestBlock, 0x04))).toBeUndefined()
  })

  const content = generated(random(14), 5000)
  const ours = Buffer.from(ownBlock(content))
  // 000 00000 0: literal codes of 8 bits from 0x30 on; lengths of 7 bits, distances of 5
  const literal = '00110000'
  it.each([
    ['the last block', Buffer.concat([ours, Buffer.of(3, 0)])],
    ['something behind the flush', Buffer.concat([ours, Buffer.of(0)])],
    ['no flush', ours.subarray(0, -5)],
    ['half a flush', ours.subarray(0, -1)],
    ['a kind of block that there is not', Buffer.concat([bits('0 11'), flush])],
    ['a stored length that is not confirmed', Buffer.concat([Buffer.of(0, 1, 0, 1, 0, 7), flush])],
    ['a stored length beyond the end', Buffer.of(0, 0xff, 0x7f, 0, 0x80, 1, 2, 3)],
    ['a match before the start', bits('0 10', literal, '0000001', '00001', '0000000')],
    ['a length that has no meaning', bits('0 10', literal, '11000110', '00000', '0000000')],
    ['a distance that has no meaning', bits('0 10', literal, '0000001', '11110', '0000000')],
    ['codes that are not complete', bits('0 01', '00000', '00000', '0000', '100 100 000 000')],
    ['more codes than there are', bits('0 01', '11111', '00000', '1111')],
    ['more content than a block has', flushed(Buffer.alloc(largestBlock + 1))],
    ['more stored content', flushed(noise(largestBlock + 1), {level: 0}).subarray(0, longestBlock)],
  ])('does not take %s', (_, block) => {
    const padded = block.length > 20 ? block : Buffer.concat([block, flush])
    expect(inflate(block)).toBeUndefined()
    expect(inflate(padded)).toBeUndefined()
  })
})
