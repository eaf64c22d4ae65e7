import {gzipSync} from 'node:zlib'
import {setImmediate as nextTurn} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {gunzip} from '../../../src/layer/decompress/gunzip.js'
import {drain} from '../../../src/stream/bytes.js'

const text = Buffer.from('some content that is long enough to be compressed '.repeat(40))
const gz = gzipSync(text)

async function* chunks(
  bytes: Uint8Array,
  size: number,
  onClose?: () => void,
): AsyncGenerator<Uint8Array> {
  try {
    for (let at = 0; at < bytes.length; at += size) {
      await Promise.resolve()
      yield bytes.subarray(at, at + size)
    }
  } finally {
    onClose?.()
  }
}

async function read(bytes: Uint8Array, size = 1 << 20): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of gunzip(chunks(bytes, size))) parts.push(part)
  return Buffer.concat(parts)
}

const corrupt = {code: 'ERR_INJECT_LAYER_CORRUPT', name: 'IntegrityError'}

describe('gunzip', () => {
  it.each([1, 2, 3, 7, 100, 1 << 20])('reads one member in chunks of %i', async (size) => {
    expect(await read(gz, size)).toEqual(text)
  })

  it.each([1, gz.length - 1, gz.length, gz.length + 1, 1 << 20])(
    'L32 reads several members, empty ones too, in chunks of %i',
    async (size) => {
      const members = Buffer.concat([gz, gzipSync(''), gz, gzipSync('end')])
      expect(await read(members, size)).toEqual(Buffer.concat([text, text, Buffer.from('end')]))
    },
  )

  it('L29 refuses what is cut off, wherever that is', async () => {
    for (let end = 0; end < gz.length; end++) {
      await expect(read(gz.subarray(0, end)), `cut at ${end}`).rejects.toMatchObject(corrupt)
    }
  })

  it('L29 refuses a second member that is cut off, wherever that is', async () => {
    for (let end = 1; end < gz.length; end++) {
      const bytes = Buffer.concat([gz, gz.subarray(0, end)])
      for (const size of [gz.length, bytes.length]) {
        await expect(read(bytes, size), `cut at ${end}`).rejects.toMatchObject(corrupt)
      }
    }
  })

  it.each([
    ['L30 a wrong checksum', 8],
    ['L31 a wrong length', 4],
  ])('%s', async (_, fromEnd) => {
    const bytes = Buffer.from(gz)
    bytes[bytes.length - fromEnd]! ^= 1
    await expect(read(bytes)).rejects.toMatchObject(corrupt)
  })

  it.each([
    ['L33 one zero', 1],
    ['L33 a block of zeros', 512],
    ['L33 a megabyte of zeros', 1 << 20],
  ])('passes over %s behind the end', async (_, zeros) => {
    const bytes = Buffer.concat([gz, gz, Buffer.alloc(zeros)])
    for (const size of [1, 100, gz.length, gz.length + 1, bytes.length]) {
      if (bytes.length / size < 10_000)
        expect(await read(bytes, size)).toEqual(Buffer.concat([text, text]))
    }
  })

  it.each([
    [
      'L33 L34 something behind a megabyte of zeros',
      Buffer.alloc((1 << 20) + 1, 0).fill(1, 1 << 20),
    ],
    ['L34 garbage', Buffer.from('garbage')],
    ['L34 the first byte of a header', Buffer.of(0x1f)],
    ['L34 a member behind zeros', Buffer.concat([Buffer.alloc(8), gz])],
  ])('refuses %s behind the end', async (_, trailing) => {
    const bytes = Buffer.concat([gz, trailing])
    for (const size of [1, 100, gz.length, bytes.length]) {
      if (bytes.length / size < 10_000) {
        await expect(read(bytes, size), `in chunks of ${size}`).rejects.toMatchObject(corrupt)
      }
    }
  })

  it.each([
    ['L35 nothing', Buffer.alloc(0)],
    ['no gzip', Buffer.from('PK\u0003\u0004 something else')],
    ['a tar', Buffer.alloc(1024)],
    ['a compression that is not deflate', Buffer.from('1f8b07000000000000ff', 'hex')],
  ])('refuses %s', async (_, bytes) => {
    await expect(read(bytes)).rejects.toMatchObject(corrupt)
  })

  it('refuses flipped bits or gives the same content, wherever they are', async () => {
    for (let at = 0; at < gz.length; at++) {
      const bytes = Buffer.from(gz)
      bytes[at]! ^= 0x10
      const outcome = await read(bytes).catch((error: unknown) => error)
      if (Buffer.isBuffer(outcome)) expect(outcome).toEqual(text)
      else expect(outcome).toMatchObject(corrupt)
    }
  })

  it('throws what its source throws, as it is', async () => {
    const reason = new Error('connection lost')
    async function* source(): AsyncGenerator<Uint8Array> {
      yield gz.subarray(0, 20)
      await Promise.resolve()
      throw reason
    }
    await expect(drain(gunzip(source()))).rejects.toBe(reason)
  })

  it('L33 reads its source to the end, so that all of it is verified', async () => {
    let closed = false
    const source = chunks(Buffer.concat([gz, Buffer.alloc(100_000)]), 1000, () => {
      closed = true
    })
    await drain(gunzip(source))
    expect(closed).toBe(true)
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield* chunks(Buffer.concat([gz, Buffer.alloc(100)]), 1000)
      throw new Error('another digest')
    }
    await expect(drain(gunzip(failing()))).rejects.toThrow('another digest')
  })

  it('closes its source when the consumer stops early', async () => {
    let closed = false
    const big = gzipSync(Buffer.alloc(8 << 20, 'x'), {level: 0})
    const source = chunks(big, 1 << 16, () => {
      closed = true
    })
    for await (const part of gunzip(source)) {
      expect(part.length).toBeGreaterThan(0)
      break
    }
    expect(closed).toBe(true)
  })

  it('closes its source after garbage', async () => {
    let closed = false
    const source = chunks(Buffer.concat([gz, Buffer.alloc(1 << 20, 'x')]), 1000, () => {
      closed = true
    })
    await expect(drain(gunzip(source))).rejects.toMatchObject(corrupt)
    expect(closed).toBe(true)
  })

  it('reads no more of its source than its consumer needs', async () => {
    let fed = 0
    async function* source(): AsyncGenerator<Uint8Array> {
      const big = gzipSync(Buffer.alloc(32 << 20, 'x'), {level: 0})
      for await (const part of chunks(big, 1 << 16)) {
        fed += part.length
        yield part
      }
    }
    for await (const part of gunzip(source())) {
      expect(part.length).toBeGreaterThan(0)
      // whatever reads ahead has its turn
      for (let turn = 0; turn < 100; turn++) await nextTurn()
      break
    }
    expect(fed).toBeLessThan(4 << 20)
  })
})
