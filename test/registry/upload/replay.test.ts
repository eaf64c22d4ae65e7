import {describe, expect, it} from 'vitest'
import {createDigester, digestOf} from '../../../src/oci/digest.js'
import {createReplay} from '../../../src/registry/upload/replay.js'
import {createSpareMemory} from '../../../src/registry/upload/ring.js'
import {collect, sourceOf} from '../../support/open-registry.js'

const MiB = 1024 * 1024
/** 20 MiB in chunks of odd sizes, no two megabytes alike. */
const bytes = Buffer.concat(
  Array.from({length: 20}, (_, index) => Buffer.alloc(MiB, `megabyte ${index} `)),
)
const chunks = Array.from({length: 30}, (_, index) =>
  bytes.subarray(index * 700_001, (index + 1) * 700_001),
)

/** Chunks are good until the next one. */
async function digest(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const digester = createDigester()
  for await (const chunk of stream) digester.update(chunk)
  return digester.digest()
}

describe('createReplay', () => {
  it('reads a source once, and gives what is kept again', async () => {
    const source = sourceOf(...chunks)
    const replay = createReplay(source, 4 * MiB, {})
    expect(await digest(replay.stream(0))).toBe(digestOf(bytes))
    expect(await digest(replay.stream(17 * MiB))).toBe(digestOf(bytes.subarray(17 * MiB)))
    const parts = await replay.read(16 * MiB + 1, 3 * MiB)
    expect(digestOf(Buffer.concat(parts))).toBe(
      digestOf(bytes.subarray(16 * MiB + 1, 19 * MiB + 1)),
    )
    expect(await replay.measure()).toEqual({digest: digestOf(bytes), size: bytes.length})
    expect(source.opened).toBe(1)
    await replay.close()
  })

  it('gives all of it after it turned out not to be what was expected', async () => {
    const source = sourceOf(...chunks)
    const replay = createReplay(source, 16 * MiB, {})
    replay.expect({offset: 8 * MiB, digest: digestOf(Buffer.from('something else'))})
    await expect(digest(replay.stream(0))).rejects.toMatchObject({
      code: 'ERR_INJECT_SOURCE_CHANGED',
    })
    replay.expect(undefined)
    expect(await digest(replay.stream(0))).toBe(digestOf(bytes))
    expect(await replay.measure()).toEqual({digest: digestOf(bytes), size: bytes.length})
    await replay.close()
  })

  it('gives all of it again after its memory went to another one', async () => {
    const spare = createSpareMemory()
    const replay = createReplay(sourceOf(...chunks), 32 * MiB, {spare})
    expect(await digest(replay.stream(0))).toBe(digestOf(bytes))
    replay.release()
    const next = createReplay(sourceOf(Buffer.alloc(MiB, 1)), MiB, {spare})
    expect(await digest(next.stream(0))).toBe(digestOf(Buffer.alloc(MiB, 1)))
    expect(await digest(replay.stream(0))).toBe(digestOf(bytes))
    await Promise.all([replay.close(), next.close()])
  })

  it('opens the source again for what is not kept any more', async () => {
    const source = sourceOf(...chunks)
    const replay = createReplay(source, 4 * MiB, {})
    expect(await digest(replay.stream(0))).toBe(digestOf(bytes))
    expect(await digest(replay.stream(MiB))).toBe(digestOf(bytes.subarray(MiB)))
    expect(source.opened).toBe(2)
    expect(replay.furthest).toBe(bytes.length)
    await replay.close()
  })

  it('goes on with a source that a stream was taken from half way', async () => {
    const source = sourceOf(...chunks)
    const replay = createReplay(source, 4 * MiB, {})
    const first = replay.stream(0)
    for (let read = 0; read < 10 * MiB;) read += (await first.next()).value?.length ?? 0
    await first.return()
    expect(await digest(replay.stream(9 * MiB))).toBe(digestOf(bytes.subarray(9 * MiB)))
    expect(source.opened).toBe(1)
    await replay.close()
  })

  it('reads more at once than it keeps, at the end what there is', async () => {
    const replay = createReplay(sourceOf(...chunks), MiB, {})
    expect(digestOf(Buffer.concat(await replay.read(0, 12 * MiB)))).toBe(
      digestOf(bytes.subarray(0, 12 * MiB)),
    )
    expect(digestOf(Buffer.concat(await replay.read(12 * MiB, 12 * MiB)))).toBe(
      digestOf(bytes.subarray(12 * MiB)),
    )
    expect(await replay.read(20 * MiB, 1)).toEqual([])
    await replay.close()
  })

  it.each([
    ['other bytes', [Buffer.alloc(9 * MiB, 'x'), bytes.subarray(9 * MiB)]],
    ['fewer bytes', [bytes.subarray(0, 19 * MiB)]],
    ['other bytes at the end', [bytes.subarray(0, 20 * MiB - 1), Buffer.from('!')]],
  ])('refuses a source that gives %s the second time', async (_, others) => {
    let opened = 0
    const source = {open: () => sourceOf(...(opened++ === 0 ? chunks : others)).open()}
    const replay = createReplay(source, MiB, {})
    await collect(replay.stream(0))
    await expect(collect(replay.stream(0))).rejects.toMatchObject({
      name: 'LocalIoError',
      code: 'ERR_INJECT_SOURCE_CHANGED',
    })
    await replay.close()
  })

  it('knows the digest of what came before the last checkpoint, and holds another source to it', async () => {
    const replay = createReplay(sourceOf(...chunks), MiB, {})
    await replay.measure()
    const checkpoint = {offset: 16 * MiB, digest: digestOf(bytes.subarray(0, 16 * MiB))}
    expect(replay.checkpoint).toEqual(checkpoint)
    for (const [first, isSame] of [
      [bytes.subarray(0, 1), true],
      [Buffer.from('?'), false],
    ] as const) {
      const other = createReplay(sourceOf(first, bytes.subarray(1)), MiB, {})
      other.expect(checkpoint)
      const reading = other.measure()
      if (isSame) expect(await reading).toMatchObject({size: bytes.length})
      else await expect(reading).rejects.toMatchObject({code: 'ERR_INJECT_SOURCE_CHANGED'})
    }
  })

  it('never takes a source that has failed for one that has ended', async () => {
    const source = {
      // eslint-disable-next-line @typescript-eslint/require-await -- nothing to wait for
      async *open() {
        yield bytes.subarray(0, 100)
        throw new Error('gone')
      },
    }
    const replay = createReplay(source, MiB, {})
    await expect(replay.measure()).rejects.toThrow('gone')
    await expect(replay.measure()).rejects.toThrow('gone')
    await expect(collect(replay.stream(0))).rejects.toThrow('gone')
  })
})
