import {execa} from 'execa'
import {randomBytes} from 'node:crypto'
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {Transform} from 'node:stream'
import * as zlib from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {packLayer} from '../../../src/layer/pack/pack.js'
import {unzstd} from '../../../src/layer/decompress/unzstd.js'
import {walk} from '../../../src/layer/tree/walk.js'
import {zstdBlocks} from '../../../src/layer/compress/blocks.js'
import {compressAhead} from '../../../src/layer/compress/compress-ahead.js'
import {createZstd, zstdBound} from '../../../src/layer/compress/zstd-frame.js'
import {digestOf} from '../../../src/oci/digest.js'
import {tempDir} from '../../support/temp-dir.js'
import {describeWith} from '../../support/tools.js'
import {zstdProgram} from '../../support/zstd-program.js'

async function* chunks(bytes: Uint8Array, size = 1 << 16): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve()
    yield bytes.subarray(at, at + size)
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const zstdFrame = createZstd()

const native = (zlib as {createZstdDecompress?: (options: object) => Transform})
  .createZstdDecompress
const decoders = [['fzstd', undefined] as const, ...(native ? [['Node', native] as const] : [])]

const corrupt = {code: 'ERR_INJECT_LAYER_CORRUPT', name: 'IntegrityError'}
const noise = randomBytes(70_001)
const text = Buffer.from('some content that is long enough to be compressed '.repeat(40))

/** https://www.rfc-editor.org/rfc/rfc8878#section-3.1.2 */
function skippable(content: Uint8Array, variant = 0): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a50 + variant, 0)
  head.writeUInt32LE(content.length, 4)
  return Buffer.concat([head, content])
}

describe('zstd', () => {
  const golden = JSON.parse(
    readFileSync(new URL('../../golden/compression.json', import.meta.url), 'utf8'),
  ) as Record<string, unknown>

  it('gives the golden digests on every machine: the format changes only on purpose', () => {
    expect(digestOf(zstdFrame(text))).toBe(golden['frame'])
  })

  it('gives the same bytes whatever was compressed before, and no more than its bound', () => {
    const samples = [
      text,
      Buffer.alloc(0),
      randomBytes(1 << 20),
      Buffer.alloc(1 << 20),
      randomBytes(1),
    ]
    const first = samples.map((block) => zstdFrame(block))
    for (const [at, block] of [...samples.entries()].reverse()) {
      const frame = zstdFrame(block)
      expect(Buffer.compare(frame, first[at]!)).toBe(0)
      expect(frame.length).toBeLessThanOrEqual(zstdBound(block.length))
    }
  })

  it.each([1, 2, 5])('gives the same layer with %i jobs, in threads or not', async (jobs) => {
    const root = await tempDir()
    for (const name of ['a', 'b', 'c'])
      writeFileSync(join(root, name), Buffer.alloc(5_000_000, `${name} of some text `))
    writeFileSync(join(root, 'noise'), Buffer.alloc(2_000_000, noise))
    const pack = async (count: number) => {
      const source = packLayer(() => walk(root, {path: '/'}), {compression: 'zstd', jobs: count})
      const bytes = await collect(source.open())
      return {bytes, diffId: source.content().diffId}
    }
    const [one, several] = [await pack(1), await pack(jobs)]
    expect(Buffer.compare(several.bytes, one.bytes)).toBe(0)
    expect(digestOf(await collect(unzstd(chunks(one.bytes))))).toBe(one.diffId)
  })

  it('holds no more blocks than it may', async () => {
    let taken = 0
    let done = 0
    const compress = async (block: Uint8Array) => {
      await new Promise((resolve) => setImmediate(resolve))
      expect(taken - done).toBeLessThanOrEqual(3)
      return block
    }
    function* blocks(): Generator<Buffer> {
      for (; taken < 20;) {
        taken++
        yield Buffer.of(taken)
      }
    }
    await collect(compressAhead(blocks(), {compress, ahead: 3, release: () => (done += 1)}))
    expect(done).toBe(20)
  })

  it('stops when aborted', async () => {
    const compress = (block: Uint8Array) => Promise.resolve(zstdFrame(block))
    const options = {compress, ahead: 1, signal: AbortSignal.abort()}
    await expect(collect(compressAhead([Buffer.from('x')], options))).rejects.toThrow('aborted')
  })
})

describe.each(decoders)('unzstd by %s', (_, decoder) => {
  // `null`: none of Node's, whatever Node this is
  const decode = (content: AsyncIterable<Uint8Array>) =>
    unzstd(content, {createNative: decoder ?? null})
  const read = (bytes: Uint8Array, size?: number): Promise<Buffer> =>
    collect(decode(chunks(bytes, size)))

  it.each([1, 2, 3, 7, 100, 1 << 20])(
    'M32 reads frames, empty ones too, in chunks of %i',
    async (size) => {
      const frames = [text, Buffer.alloc(0), Buffer.from('end')].map((part) => zstdFrame(part))
      const bytes = Buffer.concat(frames)
      expect(await read(bytes, size)).toEqual(Buffer.concat([text, Buffer.from('end')]))
    },
  )

  it('M32 passes over skippable frames, wherever they are, large ones too, as of zstd:chunked', async () => {
    const frame = zstdFrame(text)
    const parts = [
      skippable(Buffer.alloc(0)),
      frame,
      skippable(randomBytes(300_000), 15),
      frame,
      skippable(Buffer.from('table of contents')),
    ]
    for (const size of [1, 1000, 1 << 20])
      expect(await read(Buffer.concat(parts), size)).toEqual(Buffer.concat([text, text]))
    expect(await read(skippable(Buffer.from('x')))).toEqual(Buffer.alloc(0))
  })

  it('refuses what is cut off, wherever that is', async () => {
    const frame = zstdFrame(text)
    const bytes = Buffer.concat([frame, skippable(Buffer.from('table')), frame])
    const whole = [frame.length, frame.length + 13]
    for (let end = 0; end < bytes.length; end++) {
      const outcome = read(bytes.subarray(0, end))
      if (whole.includes(end)) expect(await outcome).toEqual(text)
      else await expect(outcome, `cut at ${end}`).rejects.toMatchObject(corrupt)
    }
  })

  it.each([
    ['zeros', Buffer.alloc(8)],
    ['garbage', Buffer.from('garbage')],
    ['gzip', Buffer.from('1f8b0800000000000000', 'hex')],
  ])('refuses %s behind a frame', async (_, rest) => {
    const bytes = Buffer.concat([zstdFrame(text), rest])
    await expect(read(bytes)).rejects.toMatchObject(corrupt)
  })

  it.each([
    ['a frame that needs a dictionary', '28b52ffd010001', corrupt],
    ['a reserved bit', '28b52ffd0800', corrupt],
    ['a block of no known type', '28b52ffd0000070000', corrupt],
    ['a block that is larger than any may be', '28b52ffd0000fdff7f', corrupt],
    ['a window of 256 MiB', '28b52ffd0090', {code: 'ERR_INJECT_ZSTD_WINDOW_TOO_LARGE'}],
    ['a window of the content’s 2^40 bytes', '28b52ffde00000000000010000', {name: 'LimitError'}],
  ])('refuses %s', async (_, hex, error) => {
    await expect(read(Buffer.from(hex, 'hex'))).rejects.toMatchObject(error)
  })

  it('T-13 gives what 4 bytes blow up to in parts of 128 KiB', async () => {
    // frame header with a window of 1 MiB, and a thousand blocks that say "131072 times this byte"
    const block = Buffer.from('0200107a', 'hex')
    const last = Buffer.from('0300007a', 'hex').fill(0x03, 0, 1)
    const blocks = Array.from({length: 1000}, () => block)
    const bytes = Buffer.concat([Buffer.from('28b52ffd0050', 'hex'), ...blocks, last])
    let size = 0
    for await (const part of decode(chunks(bytes))) {
      expect(part.length).toBeLessThanOrEqual(6 * 131_072)
      size += part.length
    }
    expect(size).toBe(131_072_000)
  })

  it('refuses flipped bits, or gives something of its own accord', async () => {
    const frame = zstdFrame(text)
    for (let at = 0; at < frame.length; at++) {
      const bytes = Buffer.from(frame)
      bytes[at]! ^= 0x10
      const outcome = await read(bytes).catch((error: unknown) => error)
      if (!Buffer.isBuffer(outcome))
        expect(['IntegrityError', 'LimitError']).toContain((outcome as Error).name)
    }
  })

  it('closes its source when the consumer stops early, and throws what it throws', async () => {
    let closed = false
    const frame = zstdFrame(randomBytes(1 << 20))
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        yield* chunks(frame, 1000)
      } finally {
        closed = true
      }
    }
    for await (const part of decode(source())) {
      expect(part.length).toBeGreaterThan(0)
      break
    }
    expect(closed).toBe(true)
    const reason = new Error('connection lost')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield frame.subarray(0, 100)
      await Promise.resolve()
      throw reason
    }
    await expect(collect(decode(failing()))).rejects.toBe(reason)
  })
})

describeWith(['zstd'], 'the zstd program', () => {
  const read = (bytes: Uint8Array): Promise<Buffer> => collect(unzstd(chunks(bytes)))

  it('tests and reads what we write, over several frames', async () => {
    const root = await tempDir()
    writeFileSync(join(root, 'large'), Buffer.alloc(2 * zstdBlocks.large + 5000, 'inject '))
    writeFileSync(join(root, 'noise'), randomBytes(zstdBlocks.large + 17))
    const source = packLayer(() => walk(root, {path: '/'}), {compression: 'zstd'})
    const bytes = await collect(source.open())
    const file = join(await tempDir(), 'layer.zst')
    writeFileSync(file, bytes)
    await execa('zstd', ['-q', '-t', file])
    const tar = await zstdProgram(['-q', '-d', '-c'], bytes)
    expect(digestOf(tar)).toBe(source.content().diffId)
    expect(digestOf(await read(bytes))).toBe(source.content().diffId)
    const {stdout: list} = await execa('zstd', ['-l', file])
    expect(list).toMatch(/\n\s+6\s/)
  })

  it.each(['-1', '-3 --no-check', '-9', '-19', '--ultra -20 --long=25', '--fast=5'])(
    'what it makes with %s is read',
    async (flags) => {
      const read = (bytes: Uint8Array): Promise<Buffer> =>
        collect(unzstd(chunks(bytes), {window: 128 << 20}))
      const content = Buffer.concat([
        readFileSync(process.execPath).subarray(0, 300_000),
        randomBytes(200_000),
        text,
      ])
      const file = join(await tempDir(), 'content')
      writeFileSync(file, content)
      const sized = `${file}.zst`
      await execa('zstd', ['-q', ...flags.split(' '), file, '-o', sized])
      const withSize = readFileSync(sized)
      expect(Buffer.compare(await read(withSize), content)).toBe(0)
      // with no size in its header
      const withoutSize = await zstdProgram(['-q', '-c', ...flags.split(' ')], content)
      expect(withoutSize).not.toEqual(withSize)
      expect(
        Buffer.compare(
          await read(Buffer.concat([withoutSize, withSize])),
          Buffer.concat([content, content]),
        ),
      ).toBe(0)
    },
  )

  /** The size is not known beforehand: else the window is no larger than the input. */
  const withWindow = (log: number, input: Uint8Array): Promise<Uint8Array> =>
    zstdProgram(['-q', '-c', `--long=${log}`], input)

  it('a window above 8 MiB is read when it is allowed', async () => {
    const bytes = await withWindow(25, Buffer.alloc(1 << 20))
    await expect(read(bytes)).rejects.toMatchObject({code: 'ERR_INJECT_ZSTD_WINDOW_TOO_LARGE'})
    const allowed = await collect(unzstd(chunks(bytes), {window: 32 << 20}))
    expect(allowed).toHaveLength(1 << 20)
  })

  it('a window that is larger than it reads itself is refused', async () => {
    const bytes = await withWindow(28, Buffer.alloc(1 << 20))
    await expect(read(bytes)).rejects.toMatchObject({code: 'ERR_INJECT_ZSTD_WINDOW_TOO_LARGE'})
  })
})

describe.each(decoders)('hostile frames by %s', (_, decoder) => {
  const decode = (content: AsyncIterable<Uint8Array>) =>
    unzstd(content, {createNative: decoder ?? null, window: 128 << 20})
  // a window of 128 MiB
  const head = Buffer.from('28b52ffd0088', 'hex')
  const block = (text: string, isLast: boolean): Buffer => {
    const header = Buffer.alloc(3)
    header.writeUIntLE((text.length << 3) | (isLast ? 1 : 0), 0, 3)
    return Buffer.concat([header, Buffer.from(text)])
  }

  it('300,000 empty frames that ask for much memory cost next to nothing', async () => {
    const frame = Buffer.concat([head, block('', true)])
    const frames = Buffer.concat([
      Buffer.alloc(frame.length * 300_000, frame),
      Buffer.concat([head, block('end', true)]),
    ])
    const before = process.cpuUsage()
    expect((await collect(decode(chunks(frames)))).toString()).toBe('end')
    // took minutes
    expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10)
  })

  it('small frames get the memory of their content', async () => {
    const frame = Buffer.concat([head, block('some', false), block(' text\n', true)])
    const read = await collect(decode(chunks(Buffer.alloc(frame.length * 2000, frame))))
    expect(read.toString()).toBe('some text\n'.repeat(2000))
  })

  it('frames of many empty blocks, whose memory is out of all proportion, are refused', async () => {
    const empty = Array<Buffer>(20).fill(block('', false))
    const frame = Buffer.concat([head, ...empty, block('x', true)])
    const read = collect(decode(chunks(Buffer.alloc(frame.length * 1000, frame))))
    await expect(read).rejects.toMatchObject({code: 'ERR_INJECT_LAYER_RATIO'})
  })
})
