import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {decompress, verifiedDiffId} from '../../src/layer/decompress.js'
import {unpackLimits} from '../../src/layer/unpack-limits.js'
import {digestOf} from '../../src/oci/digest.js'

const oci = 'application/vnd.oci.image.layer.v1.tar'
const docker = 'application/vnd.docker.image.rootfs.diff.tar'
const text = Buffer.from('the tar')

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

  it.each([
    [`${oci}+zstd`, 'ERR_INJECT_COMPRESSION_UNSUPPORTED'],
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

    it('takes it below 64 MiB, or by another limit', async () => {
      const small = gzipSync(Buffer.alloc(60 << 20), {level: 9})
      expect(await collect(decompress(stream(small), `${oci}+gzip`, unpackLimits))).toHaveLength(
        60 << 20,
      )
      const limits = {...unpackLimits, ratio: 1100}
      expect(await collect(decompress(stream(zeros), `${oci}+gzip`, limits))).toHaveLength(96 << 20)
    })

    it('refuses more bytes than allowed altogether', async () => {
      const limits = {...unpackLimits, totalBytes: 6}
      await expect(collect(decompress(stream(text), oci, limits))).rejects.toMatchObject({
        name: 'LimitError',
        code: 'ERR_INJECT_LAYER_TOO_LARGE',
      })
      expect(
        await collect(decompress(stream(text), oci, {...unpackLimits, totalBytes: 7})),
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
