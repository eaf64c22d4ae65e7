import {describe, expect, it} from 'vitest'
import {
  IntegrityError,
  LimitError,
  LocalIoError,
  NetworkError,
  UnsafeContentError,
} from '../../src/errors.js'
import {layerCorrupt} from '../../src/layer/corrupt.js'
import {inLayer, layerStream} from '../../src/layer/in-layer.js'
import {digestOf} from '../../src/oci/digest.js'

const digest = digestOf(Buffer.from('blob'))
const failing = (error: unknown, at?: string) =>
  inLayer({number: 3, digest, at: () => at}, () => Promise.reject(error as Error)).then(
    () => undefined,
    (thrown: unknown) => thrown as IntegrityError,
  )

describe('what is wrong with a layer', () => {
  it.each<[string, Error, string | undefined, string]>([
    [
      'is said with number, digest and entry',
      layerCorrupt('an entry is cut off'),
      "in the entry 'a'",
      `layer 3 (${digest}) is corrupt: an entry is cut off, in the entry 'a'`,
    ],
    ['before the first entry', layerCorrupt('x'), undefined, `layer 3 (${digest}) is corrupt: x`],
    [
      'is not said of an entry twice',
      new LimitError('ERR_INJECT_X', "the layer has 'a' in it"),
      "in the entry 'a'",
      `layer 3 (${digest}) has 'a' in it`,
    ],
    [
      'is not said of an entry when it is about all of the layer',
      new IntegrityError('ERR_INJECT_DIFF_ID_MISMATCH', "the layer's content is not y"),
      "after the entry 'z'",
      `layer 3 (${digest}): its content is not y`,
    ],
    [
      'is said of what must not be unpacked',
      new UnsafeContentError('ERR_INJECT_X', "the layer holds the device 'dev/x'"),
      "in the entry 'dev/x'",
      `layer 3 (${digest}) holds the device 'dev/x'`,
    ],
    [
      'does not name the digest twice',
      new IntegrityError('ERR_INJECT_DIGEST_MISMATCH', `blob ${digest} is another`),
      "after the entry 'z'",
      `layer 3: blob ${digest} is another`,
    ],
  ])('%s', async (_, error, at, message) => {
    const thrown = await failing(error, at)
    expect(thrown).toMatchObject({message, name: error.name})
    expect(thrown).toBeInstanceOf(error.constructor)
  })

  it('comes with what can be done, unless the error says that itself', async () => {
    expect((await failing(layerCorrupt('x')))?.hint).toContain('build the layer again')
    const own = new LimitError('ERR_INJECT_LAYER_TOO_LARGE', 'the layer x', {
      ...{hint: 'a larger --max-size', expected: 5, found: 6},
    })
    expect(await failing(own)).toMatchObject({hint: 'a larger --max-size', expected: 5, found: 6})
  })

  it.each([
    new NetworkError('ERR_INJECT_NETWORK', 'n'),
    new LocalIoError('ERR_INJECT_LOCAL_IO', 'l'),
    new Error('a mistake of ours'),
  ])('has nothing to do with %o', async (error) => {
    expect(await failing(error)).toBe(error)
  })

  it('is said of a stream, too', async () => {
    const stream = layerStream(
      {number: 1, digest},
      // eslint-disable-next-line require-yield -- it fails at once
      (async function* () {
        await Promise.resolve()
        throw layerCorrupt('x')
      })(),
    )
    await expect(stream.next()).rejects.toThrow(`layer 1 (${digest}) is corrupt: x`)
  })
})
