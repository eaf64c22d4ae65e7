import {execFileSync} from 'node:child_process'
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {constants, crc32, deflateRawSync, gunzipSync, inflateRawSync} from 'node:zlib'
import {inflateRaw} from 'pako'
import {describe, expect, it} from 'vitest'
import {compile} from '../../../bin/wasm.mjs'
import {
  createBlockDeflate,
  deflateBound,
  largestBlock,
  loadDeflate,
  scratchLength,
  slack,
} from '../../../src/layer/compress/block-deflate.js'
import {deflateProbe} from '../../../src/layer/compress/deflate-probe.js'
import {gzip, gzipTrailer} from '../../../src/layer/compress/gzip.js'
import {createOwnDeflate, ownDeflater} from '../../../src/layer/compress/own-deflater.js'
import {gzipHeader} from '../../../src/layer/gzip-header.js'
import {createMemory} from '../../../src/layer/shared-memory.js'
import {digestOf} from '../../../src/oci/digest.js'
import {generated, noise, random} from '../../support/generated-bytes.js'

const deflate = createOwnDeflate()
const last = Buffer.of(3, 0)

/** The block comes back by zlib; returns what it was compressed to. */
function roundTrip(block: Buffer): Uint8Array {
  const bytes = deflate(block)
  const back = inflateRawSync(Buffer.concat([bytes, last]))
  if (back.compare(block) !== 0) throw new Error(`${block.length} bytes do not come back`)
  if (bytes.length > deflateBound(block.length)) throw new Error(`more than the bound`)
  return bytes
}

const fibonacci = (symbols: number): Buffer => {
  const parts: Buffer[] = []
  for (
    let [symbol, one, two] = [0, 1, 1];
    symbol < symbols;
    symbol++, [one, two] = [two, one + two]
  )
    parts.push(Buffer.alloc(one, symbol))
  // mixed, so that runs do not hide the frequencies
  const bytes = Buffer.concat(parts).subarray(0, largestBlock)
  const next = random(7)
  for (let at = bytes.length - 1; at > 0; at--) {
    const other = next(at + 1)
    const value = bytes[at] ?? 0
    bytes[at] = bytes[other] ?? 0
    bytes[other] = value
  }
  return bytes
}

/** Bytes of ours over those of zlib at level 1, for the same blocks. */
function overZlib(content: Buffer): number {
  let ours = 0
  let zlib = 0
  const options = {level: 1, memLevel: 9, finishFlush: constants.Z_SYNC_FLUSH}
  for (let at = 0; at < content.length; at += largestBlock) {
    const block = content.subarray(at, at + largestBlock)
    ours += deflate(block).length
    zlib += deflateRawSync(block, options).length
  }
  return ours / zlib
}

describe('deflate of our own', () => {
  it('gives the golden digests of version 1, which must never change', () => {
    const inputs = {
      probe: deflateProbe(),
      text: Buffer.from('the quick brown fox jumps over the lazy dog\n'.repeat(5000)),
      zeros: Buffer.alloc(largestBlock),
      noise: noise(100_000),
      fibonacci: fibonacci(24),
      tiny: Buffer.from('a'),
      generated: generated(random(3), largestBlock),
    }
    const results = Object.entries(inputs).map(([name, block]) => {
      const bytes = roundTrip(block)
      return [name, `${bytes.length} ${digestOf(bytes).slice(7, 39)}`]
    })
    expect(Object.fromEntries(results)).toEqual(
      JSON.parse(readFileSync(new URL('../../golden/deflate.json', import.meta.url), 'utf8')),
    )
  })

  it('is built from its sources', async () => {
    const built = readFileSync(
      new URL('../../../src/layer/compress/wasm/deflate.wasm', import.meta.url),
    )
    const compiled = await compile('deflate')
    expect(built.equals(compiled)).toBe(true)
  })

  it(
    'gives back 100,000 small blocks of all kinds, by zlib, pako and GNU gzip',
    {
      timeout: 240_000,
    },
    () => {
      const next = random(1)
      for (let round = 0; round < 10; round++) {
        const blocks = Array.from({length: 10_000}, () =>
          generated(next, 1 + next(next(20) === 0 ? 3000 : 60)),
        )
        const deflated = Buffer.concat(blocks.map((block) => deflate(block)))
        const whole = Buffer.concat(blocks)
        const stream = Buffer.concat([deflated, last])
        // all blocks as one stream: one that is wrong shows, and so does one that does not end
        // where the next begins
        expect(inflateRawSync(stream).equals(whole)).toBe(true)
        expect(Buffer.from(inflateRaw(stream)).equals(whole)).toBe(true)
        const member = Buffer.concat([
          gzipHeader,
          deflated,
          gzipTrailer(crc32(whole), whole.length),
        ])
        const maxBuffer = 2 ** 26
        expect(execFileSync('gzip', ['-dc'], {input: member, maxBuffer}).equals(whole)).toBe(true)
      }
    },
  )

  it.each([
    [
      'every length up to 700',
      () => Array.from({length: 700}, (_, at) => generated(random(at), at + 1)),
    ],
    [
      'large blocks of all kinds',
      () =>
        Array.from({length: 60}, (_, at) => generated(random(at), 1 + random(at)(largestBlock))),
    ],
    [
      'the largest block',
      () => [
        generated(random(5), largestBlock),
        noise(largestBlock),
        Buffer.alloc(largestBlock, 'ab'),
      ],
    ],
    ['codes longer than 15 bits', () => Array.from({length: 26}, (_, at) => fibonacci(at + 2))],
    [
      'matches at the edge of the window',
      () =>
        Array.from({length: 21}, (_, at) => {
          const period = noise(32_758 + at)
          return Buffer.concat([period, period, period])
        }),
    ],
    [
      'matches 64 KiB away, where positions begin again',
      () =>
        Array.from({length: 21}, (_, at) => {
          const piece = noise(300)
          return Buffer.concat([piece, noise(65_226 + at, 2), piece, piece])
        }),
    ],
    [
      'periods of 1 to 300',
      () => Array.from({length: 300}, (_, at) => Buffer.alloc(5000, noise(at + 1))),
    ],
    [
      'one symbol and two',
      () =>
        [1, 2, 3, 10, 300, 70_000].flatMap((n) => [
          Buffer.alloc(n, 1),
          Buffer.alloc(n, Buffer.of(0, 255)),
        ]),
    ],
    ['a program', () => [readFileSync(process.execPath).subarray(0, largestBlock)]],
  ])('gives back %s', (_, blocks) => {
    for (const block of blocks()) {
      const bytes = roundTrip(block)
      expect(Buffer.from(inflateRaw(Buffer.concat([bytes, last]))).equals(block)).toBe(true)
    }
  })

  it('stores what nothing shrinks: five bytes for each 64 KiB, and five for the end', () => {
    for (const length of [1, 100, 65_535, 65_536, largestBlock]) {
      const bytes = noise(length)
      const most = length + 5 * Math.ceil(length / 65_535) + 5
      expect(roundTrip(bytes).length).toBeLessThanOrEqual(most)
    }
  })

  it('is smaller than zlib at level 1 for sources, and 3 % larger for a program at most', () => {
    const sources = readdirSync('src', {recursive: true, encoding: 'utf8'})
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(join('src', name)))
    const program = readFileSync(process.execPath).subarray(0, 4 * 1024 * 1024)
    expect(overZlib(Buffer.concat(sources))).toBeLessThan(1)
    expect(overZlib(program)).toBeLessThan(1.03)
  })

  it('touches nothing but its own memory, and does not see what lies behind a block', () => {
    const guard = 4096
    const scratch = guard
    const input = scratch + scratchLength + guard
    const output = input + largestBlock + guard
    const length = output + deflateBound(largestBlock) + slack + guard
    const memory = createMemory(length)
    const bytes = new Uint8Array(memory.buffer)
    const compress = createBlockDeflate(loadDeflate(), memory, scratch)
    const next = random(11)
    const blocks = [
      noise(1),
      noise(70_000),
      noise(largestBlock),
      Buffer.alloc(largestBlock),
      fibonacci(25),
    ]
    for (let at = 0; at < 200; at++) blocks.push(generated(next, 1 + next(5000)))
    const marked = [0xa5, 0x00].map((mark) => Buffer.alloc(length, mark))
    for (const block of blocks) {
      const results = marked.map((marks) => {
        bytes.set(marks.subarray(0, scratch))
        bytes.set(marks.subarray(scratch + scratchLength), scratch + scratchLength)
        bytes.set(block, input)
        const written = compress(input, block.length, output)
        const result = Buffer.from(bytes.subarray(output, output + written))
        // at once: one by one, some hundred million bytes take seconds
        const isMarked = (part: Uint8Array): boolean =>
          Buffer.compare(part, marks.subarray(0, part.length)) === 0
        expect(isMarked(bytes.subarray(0, scratch))).toBe(true)
        expect(isMarked(bytes.subarray(scratch + scratchLength, input))).toBe(true)
        expect(Buffer.compare(bytes.subarray(input, input + block.length), block)).toBe(0)
        expect(isMarked(bytes.subarray(input + block.length, output))).toBe(true)
        expect(isMarked(bytes.subarray(output + written + slack, length))).toBe(true)
        return result
      })
      expect(results[0]?.equals(results[1] ?? Buffer.alloc(0))).toBe(true)
    }
  })

  it('gives the same bytes whatever was compressed before', () => {
    const block = generated(random(4), 50_000)
    const first = deflate(block)
    for (const other of [noise(largestBlock), Buffer.alloc(100), fibonacci(20)]) {
      deflate(other)
      expect(Buffer.compare(deflate(block), first)).toBe(0)
    }
  })

  it('takes no empty block, and none that is too large', () => {
    expect(() => deflate(new Uint8Array())).toThrow(RangeError)
    expect(() => deflate(new Uint8Array(largestBlock + 1))).toThrow(RangeError)
  })

  it('makes one gzip member', async () => {
    const blocks = [generated(random(8), 200_000), noise(1000), Buffer.alloc(largestBlock)]
    const chunks: Uint8Array[] = []
    const {deflate: compress} = ownDeflater()
    for await (const chunk of gzip(blocks, {compress, ahead: 1})) chunks.push(chunk)
    expect(gunzipSync(Buffer.concat(chunks)).equals(Buffer.concat(blocks))).toBe(true)
  })
})
