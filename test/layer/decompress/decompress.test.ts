import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {decompress, verifiedDiffId} from '../../../src/layer/decompress/decompress.js'
import {createZstd} from '../../../src/layer/compress/zstd-frame.js'
import {unpackLimits} from '../../../src/layer/limits.js'
import {digestOf} from '../../../src/oci/digest.js'

const oci = 'application/vnd.oci.image.layer.v1.tar'
const docker = 'application/vnd.docker.image.rootfs.diff.tar'
const text = Buffer.from('the tar, as long as a magic number')
const zstdFrame = createZstd()

async function* stream(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  yield* chunks
}

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield* stream(bytes.subarray(at, at + 1000))
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

describe('decompress', () => {
  it.each([
    [oci, text],
    [`${oci}+gzip`, gzipSync(text)],
    [docker, text],
    [`${docker}.gzip`, gzipSync(text)],
    ['application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', gzipSync(text)],
  ])('reads %s', async (mediaType, bytes) => {
    expect(await collect(decompress(stream(bytes), mediaType, unpackLimits))).toEqual(text)
  })

  it.each([oci, `${oci}+gzip`, `${oci}+zstd`, `${docker}.gzip`])(
    'M32 goes by the first bytes, whatever %s says, as container engines do',
    async (mediaType) => {
      for (const bytes of [text, gzipSync(text), Buffer.from(zstdFrame(text))]) {
        for (const size of [1, 2, 3, 100]) {
          const parts = [...bytes.keys()]
            .filter((at) => at % size === 0)
            .map((at) => bytes.subarray(at, at + size))
          expect(await collect(decompress(stream(...parts), mediaType, unpackLimits))).toEqual(text)
        }
      }
    },
  )

  it('L29 L35 takes what is too short to tell at its word', async () => {
    for (const short of [Buffer.alloc(0), Buffer.of(0x1f), Buffer.of(0x28, 0xb5)]) {
      expect(await collect(decompress(stream(short), oci, unpackLimits))).toEqual(short)
      for (const mediaType of [`${oci}+gzip`, `${oci}+zstd`])
        await expect(collect(decompress(stream(short), mediaType, unpackLimits))).rejects.toThrow(
          'corrupt',
        )
    }
  })

  it('M32 reads estargz: a member for each file, and a last one whose header is the footer', async () => {
    const footer = Buffer.concat([
      Buffer.from('1f8b08040000000000ff1a0053471600', 'hex'),
      Buffer.from('0000000000001000STARGZ'),
      Buffer.from('010000ffff0000000000000000', 'hex'),
    ])
    const bytes = Buffer.concat([gzipSync(text), gzipSync(text), footer])
    const read = decompress(inPieces(bytes), `${oci}+gzip`, unpackLimits)
    expect(await collect(read)).toEqual(Buffer.concat([text, text]))
  })

  it.each([
    [`${oci}+encrypted`, 'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED'],
    [`${oci}+gzip+encrypted`, 'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED'],
    ['application/octet-stream', 'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED'],
    ['\u001b[2J', 'ERR_INJECT_MEDIA_TYPE_UNSUPPORTED'],
  ])('M32 M34 refuses %j', (mediaType, code) => {
    expect(() => decompress(stream(text), mediaType, unpackLimits)).toThrow(
      expect.objectContaining({name: 'PreconditionError', code}) as Error,
    )
  })

  describe('T-13 L13 limits', () => {
    const zeros = gzipSync(Buffer.alloc(96 << 20), {level: 9})

    it('refuses what unpacks to a thousand times its size, and not much later than that', async () => {
      let size = 0
      await expect(async () => {
        for await (const part of decompress(inPieces(zeros), `${oci}+gzip`, unpackLimits))
          size += part.length
      }).rejects.toMatchObject({name: 'LimitError', code: 'ERR_INJECT_LAYER_RATIO'})
      expect(size).toBeLessThan(66 << 20)
    })

    it('refuses zstd that unpacks to a thousand times its size', async () => {
      const frame = zstdFrame(Buffer.alloc(4 << 20))
      const bytes = Buffer.concat(Array.from({length: 24}, () => frame))
      const read = decompress(inPieces(bytes), `${oci}+zstd`, unpackLimits)
      await expect(collect(read)).rejects.toMatchObject({code: 'ERR_INJECT_LAYER_RATIO'})
    })

    it('takes it below 64 MiB, or by another limit', async () => {
      const small = gzipSync(Buffer.alloc(60 << 20), {level: 9})
      expect(await collect(decompress(stream(small), `${oci}+gzip`, unpackLimits))).toHaveLength(
        60 << 20,
      )
      const limits = {...unpackLimits, ratio: 1100}
      expect(await collect(decompress(stream(zeros), `${oci}+gzip`, limits))).toHaveLength(96 << 20)
    })

    it('refuses more bytes than allowed altogether', async () => {
      const limits = {...unpackLimits, totalBytes: text.length - 1}
      await expect(collect(decompress(stream(text), oci, limits))).rejects.toMatchObject({
        name: 'LimitError',
        code: 'ERR_INJECT_LAYER_TOO_LARGE',
      })
      expect(
        await collect(decompress(stream(text), oci, {...unpackLimits, totalBytes: text.length})),
      ).toEqual(text)
    })
  })
})

describe('verifiedDiffId', () => {
  it.each(['sha256', 'sha512'] as const)('lets the bytes of a %s pass', async (algorithm) => {
    expect(
      await collect(
        verifiedDiffId(stream(text, text), digestOf(Buffer.concat([text, text]), algorithm)),
      ),
    ).toEqual(Buffer.concat([text, text]))
  })

  it('throws instead of ending when they are others', async () => {
    const expected = digestOf(Buffer.from('another tar'))
    await expect(collect(verifiedDiffId(stream(text), expected))).rejects.toMatchObject({
      name: 'IntegrityError',
      code: 'ERR_INJECT_DIFF_ID_MISMATCH',
      expected,
      found: digestOf(text),
    })
  })
})
