import {describe, expect, test} from 'vitest'
import {decodeConfig} from '../../src/oci/config.js'
import {decodeIndex} from '../../src/oci/image-index.js'
import {parseDocument} from '../../src/oci/json.js'
import {configMembers, foldName, manifestMembers} from '../../src/oci/known-members.js'
import {decodeManifest} from '../../src/oci/manifest.js'
import {encode} from '../support/images.js'
import {memberMutants} from '../support/json-mutants.js'
import {jsonSamples} from '../support/json-samples.js'
import {thrownBy} from '../support/thrown-by.js'

describe('members that Go reads as another one (A4)', () => {
  describe.each(Object.entries(jsonSamples))('%s', (_, {value, known}) => {
    test('the sample itself is read, with its unknown members and the keys of its maps', () => {
      const text = JSON.stringify(value)
      expect(parseDocument(encode(text), 'it', known)).toEqual({text, value})
    })

    test('2,000 mutants: every fold of a known member, beside it or instead of it, is refused by name', () => {
      for (const {text, how} of memberMutants(value, known, {seed: 20261129, count: 2000})) {
        const error = thrownBy(() => parseDocument(encode(text), 'it', known))
        expect(error, how).toMatchObject({code: 'ERR_INJECT_AMBIGUOUS_MEMBER'})
        expect(error.message, how).toMatch(/^it has a member ".+", which Go programs read as ".+"$/)
      }
    })
  })

  test.each([
    ['beside it, behind', '"layers":[],"Layers":[]'],
    ['beside it, in front', '"LAYERS":[],"layers":[]'],
    ['instead of it', '"Layers":[]'],
    ['with a long s', '"layer\u017F":[]'],
    ['with an escaped long s', '"layers":[],"layer\\u017f":[]'],
    ['with escaped letters', '"layers":[],"\\u004cayers":[]'],
    ['of the other kind of document', '"layers":[],"Manifests":[]'],
    ['exactly of the other kind', '"layers":[],"manifests":[]'],
    ['with null in it', '"layers":[],"Layers":null'],
  ])('a manifest with its layers %s is refused', (_, layers) => {
    const text = `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:${'a'.repeat(64)}","size":2},${layers}}`
    const error = thrownBy(() =>
      decodeManifest(encode(text), 'application/vnd.oci.image.manifest.v1+json'),
    )
    expect(error.code).toMatch(/^ERR_INJECT_AMBIGUOUS_(MEMBER|DOCUMENT)$/)
  })

  test('the Kelvin sign folds to k, a dotted capital I to nothing', () => {
    expect(foldName('\u212Amar\u017F')).toBe('kmars')
    expect(foldName('\u0130\u0131\u00DF')).toBe('\u0130\u0131\u00DF')
    const text = (name: string) => `{"config":{"Healthchec${name}":null}}`
    expect(thrownBy(() => parseDocument(encode(text('\u212A')), 'it', configMembers)).code).toBe(
      'ERR_INJECT_AMBIGUOUS_MEMBER',
    )
  })

  test('members of maps and of unknown members keep their case', () => {
    const labels = {Labels: {env: '1', ENV: '2', labels: '3'}, 'x-y': {env: 1, Env: 2}}
    const value = {rootfs: {type: 'layers', diff_ids: []}, config: labels, 'X-Y': {Config: 1}}
    expect(decodeConfig(encode(JSON.stringify(value))).config).toEqual(labels)
  })

  test('decoders of indexes and configs refuse folds, too', () => {
    const index = '{"schemaVersion":2,"manifests":[{"Digest":"x"}]}'
    expect(thrownBy(() => decodeIndex(encode(index), '')).code).toBe('ERR_INJECT_AMBIGUOUS_MEMBER')
    const config = '{"rootfs":{"type":"layers","diff_ids":[]},"config":{"entrypoint":["/evil"]}}'
    expect(thrownBy(() => decodeConfig(encode(config)))).toMatchObject({
      code: 'ERR_INJECT_AMBIGUOUS_MEMBER',
      message: 'the image config has a member "entrypoint", which Go programs read as "Entrypoint"',
    })
  })
})

describe('numbers that Go does not take for integers (A4)', () => {
  test.each([
    '2.0',
    '2e0',
    '20e-1',
    '2E0',
    '0.2e1',
    '-2.0',
    '9223372036854775808',
    '1e400',
    '9'.repeat(100_000),
  ])('%s as schemaVersion, size and a number of a config is refused', (token) => {
    const documents = [
      [`{"schemaVersion":${token}}`, manifestMembers],
      [`{"config":{"size":${token}}}`, manifestMembers],
      [`{"layers":[{"size":1},{"size":${token}}]}`, manifestMembers],
      [`{"config":{"StopTimeout": ${token} }}`, configMembers],
      [`{"config":{"Healthcheck":{"Test":[1.5],"Retries":${token}}}}`, configMembers],
    ] as const
    for (const [text, known] of documents) {
      const error = thrownBy(() => parseDocument(encode(text), 'it', known))
      expect(error, text).toMatchObject({code: 'ERR_INJECT_AMBIGUOUS_MEMBER'})
      expect(error.message.length).toBeLessThan(200)
    }
  })

  test('integers of 64 bits, and any number where no integer is wanted, are taken', () => {
    for (const token of ['0', '-0', '2', '9223372036854775807', '-9223372036854775808']) {
      expect(() =>
        parseDocument(encode(`{"schemaVersion":${token}}`), 'it', manifestMembers),
      ).not.toThrow()
    }
    const text = '{"x":2.0,"annotations":{"size":2.0},"config":{"x":[1e3],"size":7}}'
    expect(() => parseDocument(encode(text), 'it', manifestMembers)).not.toThrow()
  })
})

test('documents of the largest size are looked at in linear work: 4 MiB of objects, of names, of escapes', () => {
  // as many values as a document may have, made as long as it may be
  const filled = (part: string, values: number) =>
    `{"x":[${Array(Math.floor(190_000 / values))
      .fill(part)
      .join(
        `,${' '.repeat(Math.max(0, Math.floor((4e6 * values) / 190_000) - part.length - 1))}`,
      )}]}`
  const parts: [string, number][] = [
    ['{"layers":1}', 2],
    ['"\\u0041"', 1],
    ['1.5', 1],
    ['[[]]', 3],
  ]
  for (const [part, values] of parts) {
    expect(() => parseDocument(encode(filled(part, values)), 'it', manifestMembers)).not.toThrow()
  }
})
