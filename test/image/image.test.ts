import {describe, expect, test} from 'vitest'
import {IntegrityError, LimitError, PreconditionError} from '../../src/errors.js'
import {decodeImage, encodedManifest} from '../../src/image/image.js'
import {digestOf} from '../../src/oci/digest.js'
import {ociManifest} from '../../src/oci/media-type.js'
import {
  encode,
  type ImageRecipe,
  makeDocuments,
  makeImage,
  makeLayer,
  stored,
  textOf,
} from '../support/images.js'
import {thrownBy} from '../support/thrown-by.js'

describe('decodeImage', () => {
  test('holds the bytes, their descriptors and what they say', () => {
    const {manifest, configBytes} = makeDocuments({family: 'docker', labels: {a: 'b'}})
    const image = decodeImage(encodedManifest(manifest), configBytes)
    expect(image.manifest).toEqual({...manifest, value: JSON.parse(textOf(manifest)) as unknown})
    expect(image.config.bytes).toBe(configBytes)
    expect(image.config.value).toEqual(JSON.parse(textOf({bytes: configBytes})))
    expect(image.config.descriptor).toEqual(image.manifest.value.config)
  })

  test('an image under sha512 is an image', () => {
    const image = makeImage({algorithm: 'sha512'})
    expect(image.manifest.descriptor.digest).toMatch(/^sha512:/)
    expect(image.config.descriptor.digest).toMatch(/^sha512:/)
  })

  test('the manifest’s own word for its type stands for a generic one', () => {
    const {manifest, configBytes} = makeDocuments()
    const served = {
      ...manifest,
      descriptor: {...manifest.descriptor, mediaType: 'application/json'},
    }
    expect(decodeImage(encodedManifest(served), configBytes).manifest.descriptor.mediaType).toBe(
      ociManifest,
    )
  })

  test('C21 another config than the manifest names', () => {
    const {manifest, configBytes} = makeDocuments()
    const flipped = configBytes.slice()
    flipped[20]! ^= 1
    const error = thrownBy(() => decodeImage(encodedManifest(manifest), flipped))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error).toMatchObject({
      code: 'ERR_INJECT_DIGEST_MISMATCH',
      message: 'the image config does not have its digest',
      expected: digestOf(configBytes),
      found: digestOf(flipped),
    })
  })

  test('C21 a config that is longer or shorter', () => {
    const {manifest, configBytes} = makeDocuments()
    for (const bytes of [configBytes.subarray(1), Buffer.concat([configBytes, encode(' ')])]) {
      expect(thrownBy(() => decodeImage(encodedManifest(manifest), bytes))).toMatchObject({
        code: 'ERR_INJECT_SIZE_MISMATCH',
        expected: configBytes.length,
        found: bytes.length,
      })
    }
  })

  test('what is not an image is refused before its config is looked at', () => {
    const bytes = encode('{"schemaVersion": 2, "manifests": []}')
    const work = () => encodedManifest(stored(bytes, 'application/vnd.oci.image.index.v1+json'))
    expect(thrownBy(work)).toBeInstanceOf(PreconditionError)
  })

  test('C20 a config beyond 4 MiB', () => {
    const error = thrownBy(() => makeImage({configMembers: {author: 'x'.repeat(4 * 1024 * 1024)}}))
    expect(error).toBeInstanceOf(LimitError)
  })
})

describe('validateImage', () => {
  const empty = {created_by: 'ENV', empty_layer: true}
  const full = {created_by: 'RUN'}

  test.each<[string, ImageRecipe]>([
    ['C5 history missing', {history: undefined}],
    ['C5 history null', {history: null}],
    ['C5 history empty', {history: []}],
    [
      'history with empty entries between',
      {history: [empty, full, empty, {...full, empty_layer: false}, empty]},
    ],
    ['C6 all history empty, and no layers', {layers: 0, history: [empty, empty]}],
    ['M30 no layers', {layers: 0, history: []}],
    ['M31 128 layers', {layers: 128}],
    ['M31 10,000 layers', {layers: 10_000}],
    ['C5 W2 history shorter', {history: [full, empty]}],
    ['C5 W2 history longer', {history: [full, full, full]}],
    ['C6 W2 all history empty', {history: [empty, empty]}],
    ['C10 one diff ID twice', {layers: [makeLayer('x'), makeLayer('x')]}],
  ])('%s is sound', (_, recipe) => {
    expect(() => makeImage(recipe)).not.toThrow()
  })

  const diffIds = 'the config does not have one diff ID for each layer'
  test.each<[string, ImageRecipe, string, string | number, string | number]>([
    [
      'C8 rootfs.type',
      {configMembers: {rootfs: {type: 'x\n', diff_ids: []}}},
      `the config's rootfs is of type "x\\n"`,
      'layers',
      'x\n',
    ],
    [
      'C9 fewer diff IDs',
      {configMembers: {rootfs: {type: 'layers', diff_ids: [makeLayer('x').diffId]}}},
      diffIds,
      2,
      1,
    ],
    ['C9 no diff IDs', {configMembers: {rootfs: {type: 'layers', diff_ids: null}}}, diffIds, 2, 0],
    ['C9 more diff IDs', {manifestMembers: {layers: []}}, diffIds, 0, 2],
  ])('%s is refused', (_, recipe, why, expected, found) => {
    const error = thrownBy(() => makeImage(recipe))
    expect(error).toBeInstanceOf(IntegrityError)
    expect(error).toMatchObject({
      code: 'ERR_INJECT_IMAGE_INCONSISTENT',
      message: `the image contradicts itself: ${why}`,
      expected,
      found,
    })
  })
})
