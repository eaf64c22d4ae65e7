import {readdirSync} from 'node:fs'
import {stat} from 'node:fs/promises'
import {crc32, constants, deflateRawSync, gzipSync} from 'node:zlib'
import {beforeAll, describe, expect, it, vi} from 'vitest'
import {verifiedTar} from '../../../src/layer/decompress/decompress.js'
import {keepThreads, type KeptThreads} from '../../../src/layer/decompress/kept-threads.js'
import {gunzip} from '../../../src/layer/decompress/gunzip.js'
import {unpackLimits} from '../../../src/layer/limits.js'
import {type Digest, digestOf} from '../../../src/oci/digest.js'
import {drain} from '../../../src/stream/bytes.js'
import {generated, noise, random} from '../../support/generated-bytes.js'
import {runs} from '../../support/property-runs.js'
import {member, ownBlock, ownBlocks, ownGzip} from './own-layer.js'

const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip'
const MiB = 1024 * 1024

/** Noise, text and zeros, more than is inflated without threads. */
const content = Buffer.concat([
  noise(900_000),
  generated(random(5), 2 * MiB),
  Buffer.alloc(MiB),
  noise(300_000, 2),
  generated(random(6), 700_001),
])
const gz = ownGzip(content)

async function* pieces(bytes: Uint8Array, size = 50_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve()
    yield bytes.subarray(at, at + size)
  }
}

/** What comes out, or why it does not end well. */
async function outcome(tar: AsyncIterable<Uint8Array>): Promise<Buffer | string> {
  const parts: Uint8Array[] = []
  try {
    // copies: chunks are valid until the next one is asked for
    for await (const part of tar) parts.push(Uint8Array.from(part))
    return Buffer.concat(parts)
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : 'no error'
  }
}

interface Reading {
  readonly diffId?: Digest
  readonly threads?: number | KeptThreads
  readonly size?: number
}

const read = (bytes: Uint8Array, {diffId, threads = 2, size}: Reading = {}) =>
  outcome(
    verifiedTar(
      pieces(bytes, size),
      {mediaType, diffId: diffId ?? digestOf(content), threads},
      unpackLimits,
    ),
  )

/** As zlib reads it, whatever the diff ID is. */
async function expectAsByZlib(bytes: Uint8Array, what: string): Promise<Buffer | string> {
  const expected = await outcome(gunzip(pieces(bytes)))
  const diffId = digestOf(Buffer.isBuffer(expected) ? expected : content)
  const found = await read(bytes, {diffId})
  const isSame =
    Buffer.isBuffer(expected) && Buffer.isBuffer(found)
      ? expected.equals(found)
      : expected === found
  expect(isSame, `${what}: ${String(found).slice(0, 200)}, not ${String(expected).slice(0, 200)}`)
    // not the bytes themselves, of which a failure would print millions
    .toBe(true)
  return found
}

/** Worker threads that run: all threads of this process but those that there were before. */
const workers = (): number => readdirSync('/proc/self/task').length - threadsBefore
let threadsBefore = 0
beforeAll(async () => {
  // zlib and the system calls of promises have threads of their own, from the first one on
  await stat('.')
  await drain(gunzip(pieces(gzipSync('x'))))
  threadsBefore = readdirSync('/proc/self/task').length
})

describe('verifiedTar', () => {
  it('gives what gunzip gives, by any number of threads, in chunks of any size', async () => {
    for (const threads of [0, 1, 2, 5])
      for (const size of [999, 65_536, gz.length])
        expect(content.equals((await read(gz, {threads, size})) as Buffer), `${threads}`).toBe(true)
    await vi.waitFor(() => expect(workers()).toBe(0))
  })

  it('inflates in threads what is large, and in none what is not, or not ours', async () => {
    const during = async (bytes: Buffer, inflated: Buffer): Promise<number> => {
      const diffId = digestOf(inflated)
      let most = 0
      const tar = verifiedTar(pieces(bytes), {mediaType, diffId, threads: 3}, unpackLimits)
      for await (const chunk of tar) most = Math.max(most, chunk.length && workers())
      return most
    }
    const small = content.subarray(0, 700_000)
    expect(await during(gz, content)).toBe(3)
    expect(await during(ownGzip(small), small)).toBe(0)
    expect(await during(gzipSync(content), content)).toBe(0)
  })

  it('reads sha512, and refuses other content than the diff ID names', async () => {
    expect(content.equals((await read(gz, {diffId: digestOf(content, 'sha512')})) as Buffer)).toBe(
      true,
    )
    const diffId = digestOf(Buffer.from('other'))
    const tar = verifiedTar(pieces(gz), {mediaType, diffId, threads: 1}, unpackLimits)
    await expect(drain(tar)).rejects.toMatchObject({
      name: 'IntegrityError',
      code: 'ERR_INJECT_DIFF_ID_MISMATCH',
      expected: diffId,
      found: digestOf(content),
    })
  })

  it('has the same threads for layers that come one after the other, and new ones after a bad one', async () => {
    const kept = keepThreads(2)
    const seen: (string | number)[] = []
    const diffIds = [digestOf(content), digestOf(content), digestOf(Buffer.from('other'))]
    for (const diffId of [...diffIds, digestOf(content, 'sha512'), ...diffIds]) {
      const found = await read(gz, {diffId, threads: kept})
      seen.push(
        Buffer.isBuffer(found) ? `${String(content.equals(found))} ${workers()}` : workers(),
      )
    }
    expect(seen).toEqual(['true 2', 'true 2', 0, 'true 2', 'true 2', 'true 2', 0])
    expect(content.equals((await read(gz, {threads: kept})) as Buffer)).toBe(true)
    await kept.close()
    await vi.waitFor(() => expect(workers()).toBe(0))
  })

  it('is not misled by what looks like the end of a block', async () => {
    // stored, because it does not shrink: layers in layers, and nothing but ends
    const nested = Buffer.concat([ownGzip(noise(700_000)), noise(100_000)])
    const ends = Buffer.from(noise(600_000))
    for (let at = 0; at < ends.length; at += 97) ends.write('\0\0\xff\xff', at, 'latin1')
    for (const inner of [nested, ends, Buffer.concat([nested, nested])]) {
      const all = Buffer.concat([content, inner, content])
      const found = await expectAsByZlib(ownGzip(all), 'ends in content')
      expect(all.equals(found as Buffer)).toBe(true)
    }
  })

  const sync = {finishFlush: constants.Z_SYNC_FLUSH}
  const ours = ownBlocks(content)
  const more = generated(random(9), 3 * MiB)
  const all = Buffer.concat([content, more])
  it.each([
    ['blocks that look back into others', deflateRawSync(more, {...sync, dictionary: content})],
    ['a block of three megabytes', deflateRawSync(more, sync)],
    ['a block without an end', deflateRawSync(more, {finishFlush: constants.Z_NO_FLUSH})],
    ['fixed codes', deflateRawSync(more, {...sync, strategy: constants.Z_FIXED})],
    ['stored blocks', deflateRawSync(more, {...sync, level: 0})],
    ['the last block', deflateRawSync(more)],
  ])('goes on with zlib where ours is followed by %s', async (what, blocks) => {
    await expectAsByZlib(member(Buffer.concat([ours, blocks]), all), what)
    await expectAsByZlib(member(Buffer.concat([ours, blocks, ours]), all), `${what}, then ours`)
  })

  it.each([
    ['another member of ours', Buffer.concat([gz, ownGzip(more)])],
    ['an empty member, and zeros', Buffer.concat([gz, gzipSync(''), Buffer.alloc(600)])],
    ['a megabyte of zeros', Buffer.concat([gz, Buffer.alloc(MiB)])],
    ['garbage', Buffer.concat([gz, Buffer.from('garbage')])],
    ['garbage behind zeros', Buffer.concat([gz, Buffer.alloc(5000), Buffer.from('garbage')])],
    ['half a member', Buffer.concat([gz, gz.subarray(0, gz.length / 2)])],
  ])('reads %s behind the end as gunzip does', async (what, bytes) => {
    await expectAsByZlib(bytes, what)
  })

  it('refuses sums that are not those of the content', async () => {
    for (const fromEnd of [8, 4]) {
      const bytes = Buffer.from(gz)
      bytes[bytes.length - fromEnd]! ^= 1
      expect(await expectAsByZlib(bytes, `byte ${fromEnd}`)).toMatch(/corrupt: gzip: incorrect/)
    }
    const crc = member(Buffer.concat([ours, ownBlock(Buffer.from('x'))]), content)
    expect(crc32(content)).not.toBe(crc32(Buffer.concat([content, Buffer.from('x')])))
    expect(await expectAsByZlib(crc, 'one byte more')).toMatch('incorrect data check')
  })

  it('refuses what is cut off, wherever that is', async () => {
    const next = random(3)
    const cuts = [0, 1, 2, 4, 8, 9, 10, 11, 12].map((fromEnd) => gz.length - fromEnd)
    for (let cut = 0; cut < 20; cut++) cuts.push(next(gz.length))
    for (const length of cuts) {
      const found = await expectAsByZlib(gz.subarray(0, length), `${length} bytes`)
      if (length < gz.length) expect(found).toMatch('unexpected end of file')
    }
  })

  it(
    'reads or refuses whatever is changed in it as gunzip does',
    async () => {
      const next = random(4)
      let refused = 0
      for (let run = 0; run < runs(1); run++) {
        const bytes = Buffer.from(gz)
        const kind = next(3)
        const at = 10 + next(bytes.length - 10)
        const length = 1 + next(kind === 0 ? 1 : 40)
        if (kind === 2) bytes.copyWithin(at, next(bytes.length - length), at + length)
        else for (let i = at; i < at + length && i < bytes.length; i++) bytes[i]! ^= 1 << next(8)
        if (typeof (await expectAsByZlib(bytes, `kind ${kind} at ${at}`)) === 'string') refused++
      }
      expect(refused).toBeGreaterThan(0)
    },
    10 * 60_000,
  )

  it('T-13 keeps the limits', async () => {
    const limits = {...unpackLimits, totalBytes: content.length - 1}
    const layer = {mediaType, diffId: digestOf(content), threads: 1}
    await expect(drain(verifiedTar(pieces(gz), layer, limits))).rejects.toMatchObject({
      code: 'ERR_INJECT_LAYER_TOO_LARGE',
    })
    const zeros = ownBlock(Buffer.alloc(256 * 1024))
    const many = Array.from({length: 6000}, () => zeros)
    const bomb = Buffer.concat([gz.subarray(0, 10), ...many])
    let size = 0
    await expect(async () => {
      const tight = {...unpackLimits, ratio: 900}
      for await (const chunk of verifiedTar(pieces(bomb), layer, tight)) size += chunk.length
    }).rejects.toMatchObject({code: 'ERR_INJECT_LAYER_RATIO'})
    expect(size).toBeLessThan(66 * MiB)
  })

  it('throws what its source throws, and ends its threads', async () => {
    const reason = new Error('connection lost')
    for (const length of [5, 600_000, 1_300_000, gz.length]) {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield* pieces(gz.subarray(0, length))
        throw reason
      }
      const layer = {mediaType, diffId: digestOf(content), threads: 2}
      await expect(drain(verifiedTar(broken(), layer, unpackLimits))).rejects.toBe(reason)
    }
    await vi.waitFor(() => expect(workers()).toBe(0))
  })

  it('closes its source and ends its threads when the consumer stops early', async () => {
    for (const after of [0, 1, 8]) {
      let closed = false
      async function* source(): AsyncGenerator<Uint8Array> {
        try {
          yield* pieces(gz)
        } finally {
          closed = true
        }
      }
      let count = 0
      const layer = {mediaType, diffId: digestOf(content), threads: 2}
      for await (const chunk of verifiedTar(source(), layer, unpackLimits))
        if (chunk.length > 0 && count++ === after) break
      expect(closed).toBe(true)
    }
    await vi.waitFor(() => expect(workers()).toBe(0))
  })
})
