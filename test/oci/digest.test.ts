import {createHash} from 'node:crypto'
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {IntegrityError} from '../../src/errors.js'
import {
  algorithmOf,
  createDigester,
  digestOf,
  hexOf,
  isDigest,
  parseDigest,
} from '../../src/oci/digest.js'
import {encode} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

const hex = 'a'.repeat(64)

describe('parseDigest', () => {
  test.each([`sha256:${hex}`, `sha512:${hex}${hex}`])('takes %s', (text) => {
    expect(parseDigest(text)).toBe(text)
  })

  test.each([
    '',
    'sha256',
    'sha256:',
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}a`,
    `sha256:${hex.toUpperCase()}`,
    `SHA256:${hex}`,
    `sha256:${'g'.repeat(64)}`,
    `sha256:${hex}\n`,
    ` sha256:${hex}`,
    `sha256:${hex}${hex}`,
    `sha512:${hex}`,
    `sha384:${hex}${hex.slice(32)}`,
    `md5:${'a'.repeat(32)}`,
    `sha256:../../${hex.slice(6)}`,
    `sha256:..${'/'.repeat(62)}`,
    `sha256+b64:${hex}`,
    `sha256::${hex}`,
    `sha256:${hex}:x`,
    `sha256:sha256:${hex}`,
    `sha256-${hex}`,
    `sha256/${hex}`,
    hex,
    `:${hex}`,
    `sha256:${hex.slice(1)}\u0000`,
    `sha256:${'\uFF41'.repeat(64)}`,
    undefined,
    null,
    12,
    {},
  ])('T-34 refuses %j', (text) => {
    expect(isDigest(text)).toBe(false)
    const error = thrownBy(() => parseDigest(text, 'the layer'))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error.code).toBe('ERR_INJECT_DIGEST_INVALID')
    expect(error.message).toMatch(/^the layer is not a digest: /)
    expect(error.message).not.toMatch(/\n/)
  })

  test('P10 any string gives a digest or an error of ours', () => {
    fc.assert(
      fc.property(fc.string({unit: 'binary'}), (text) => {
        expect(thrownBy(() => parseDigest(text)).code).toBe('ERR_INJECT_DIGEST_INVALID')
      }),
    )
  })
})

test('hashes as the algorithm says, in pieces or at once', () => {
  const bytes = encode('some bytes')
  for (const algorithm of ['sha256', 'sha512'] as const) {
    const expected = `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
    const digester = createDigester(algorithm)
    digester.update(bytes.subarray(0, 3))
    digester.update(bytes.subarray(3))
    expect(digester.digest()).toBe(expected)
    expect(digestOf(bytes, algorithm)).toBe(expected)
    expect(algorithmOf(digestOf(bytes, algorithm))).toBe(algorithm)
    expect(hexOf(digestOf(bytes, algorithm))).toBe(expected.slice(7))
  }
  expect(digestOf(bytes)).toBe(digestOf(bytes, 'sha256'))
  expect(createDigester().digest()).toBe(digestOf(new Uint8Array()))
})
