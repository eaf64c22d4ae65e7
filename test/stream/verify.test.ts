import fc from 'fast-check'
import {expect, it} from 'vitest'
import {IntegrityError} from '../../src/errors.js'
import {type DigestAlgorithm, digestOf} from '../../src/oci/digest.js'
import {readAll} from '../../src/stream/limit.js'
import {streamOf} from '../../src/stream/bytes.js'
import {verified} from '../../src/stream/verify.js'

const text = (word: string): Uint8Array => Buffer.from(word)
const blobOf = (bytes: Uint8Array, algorithm?: DigestAlgorithm) => ({
  digest: digestOf(bytes, algorithm),
  size: bytes.length,
})

it.each(['sha256', 'sha512'] as const)('lets through what %s names', async (algorithm) => {
  const stream = verified(streamOf(text('ri'), text('ght')), blobOf(text('right'), algorithm), 'it')
  expect(Buffer.from(await readAll(stream, 10, 'it')).toString()).toBe('right')
})

it('says what is wrong', async () => {
  const blob = blobOf(text('right'))
  const read = (word: string): Promise<unknown> =>
    readAll(verified(streamOf(text(word)), blob, 'the blob'), 100, 'it')
  await expect(read('wrong')).rejects.toMatchObject({
    code: 'ERR_INJECT_DIGEST_MISMATCH',
    expected: blob.digest,
    found: digestOf(text('wrong')),
  })
  await expect(read('righ')).rejects.toMatchObject({
    code: 'ERR_INJECT_SIZE_MISMATCH',
    message: 'the blob has the wrong size: expected 5 bytes, found 4',
    expected: 5,
    found: 4,
  })
  await expect(read('right and more')).rejects.toMatchObject({
    code: 'ERR_INJECT_SIZE_MISMATCH',
    found: 'more than 5',
  })
})

it('gives up at the first byte too many, and stops its source', async () => {
  let given = 0
  let closed = false
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        await Promise.resolve()
        given++
        yield text('x')
      }
    } finally {
      closed = true
    }
  }
  const seen: Uint8Array[] = []
  const read = async (): Promise<void> => {
    for await (const chunk of verified(endless(), blobOf(text('xxx')), 'it')) seen.push(chunk)
  }
  await expect(read()).rejects.toBeInstanceOf(IntegrityError)
  expect({given, closed, seen: seen.length}).toEqual({given: 4, closed: true, seen: 3})
})

it('ends for the right bytes only, however they are cut', async () => {
  const property = fc.asyncProperty(
    fc.array(fc.uint8Array({maxLength: 8}), {maxLength: 5}),
    fc.uint8Array({maxLength: 20}),
    async (chunks, other) => {
      const bytes = Buffer.concat(chunks)
      const read = async (named: Uint8Array): Promise<boolean> =>
        readAll(verified(streamOf(...chunks), blobOf(named), 'it'), 100, 'it').then(
          () => true,
          () => false,
        )
      expect(await read(bytes)).toBe(true)
      expect(await read(other)).toBe(bytes.equals(other))
    },
  )
  await fc.assert(property)
})
